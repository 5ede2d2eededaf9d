// Which proxy a request goes through. In: a URL and the environment. Out: the proxy's URL, or none. The variables are
// those of curl(1) and Go: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, small letters first. Next: transport.ts.
import { BlockList, isIP } from "node:net";
import { RegistryFailure } from "./failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws RegistryFailure when the variable has something else than the URL of an HTTP proxy */
export function findProxy(url: URL, environment: Environment): URL | undefined {
  if (isLoopback(url.hostname)) return undefined;
  const read = (name: string) => environment[name.toLowerCase()] || environment[name];
  // HTTP_PROXY in capitals can come from a request's header in a CGI program (httpoxy.org); REQUEST_METHOD tells.
  const isCgi = environment.REQUEST_METHOD !== undefined;
  const http = isCgi ? environment.http_proxy : read("HTTP_PROXY");
  const text = (url.protocol === "https:" ? read("HTTPS_PROXY") : http) || read("ALL_PROXY");
  if (text === undefined || text === "" || isExcepted(url, read("NO_PROXY") ?? "")) return undefined;
  const proxy = parseUrl(text.includes("://") ? text : `http://${text}`);
  if (proxy?.protocol === "http:" || proxy?.protocol === "https:") return proxy;
  throw new RegistryFailure(`The proxy for ${url.host} can't be used: it is not the URL of an HTTP proxy.`, {
    hint: "Set HTTPS_PROXY to something like http://proxy:3128, or add the registry to NO_PROXY.",
  });
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Hosts that can only be this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" || hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."))
  );
}

/** A host with all below it, with or without a leading dot; an address or a network; each with or without a port. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, name = "", wanted] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (name === "" || (wanted !== undefined && wanted !== port)) return false;
      const bare = name.replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
      return host === bare || (isIP(host) === 0 ? host.endsWith(`.${bare}`) : isWithin(host, bare));
    });
}

function isWithin(address: string, network: string): boolean {
  const [, base = "", bits = ""] = /^(.*)\/(\d+)$/.exec(network) ?? [];
  const family = isIP(base) === 4 ? "ipv4" : "ipv6";
  if (isIP(base) === 0 || isIP(base) !== isIP(address) || Number(bits) > (family === "ipv4" ? 32 : 128))
    return false;
  const block = new BlockList();
  block.addSubnet(base, Number(bits), family);
  return block.check(address, family);
}
