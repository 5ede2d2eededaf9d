// Addresses that a registry refers to. In: the text of a Location or a realm. Out: a URL without a password in it, or as
// much of it as may be shown. Used by transport.ts, authorize.ts and upload.ts.
import { RegistryFailure } from "./failure.ts";

/** @throws RegistryFailure for something that is no URL */
export function resolveUrl(location: string, base: URL): URL {
  try {
    const url = new URL(location, base);
    // A password in a Location would be sent along.
    url.username = "";
    url.password = "";
    return url;
  } catch (cause) {
    throw new RegistryFailure(`${base.host} refers to something that is no address.`, { cause });
  }
}

/** Without the query, which may hold a signature that nobody else should see. */
export function shortUrl(text: string): string {
  return text.replace(/[?#].*$/s, "");
}
