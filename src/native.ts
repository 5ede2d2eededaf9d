// The calls of libc that becoming the executor takes, through koffi. In: descriptors, byte strings, limits. Out: what
// the call returned, or a NativeError. It is imported late, and only where it is needed (launch/start.ts, doctor/).
// No namespace call is ever made from here: Node has threads, and unshare(CLONE_NEWUSER) refuses them.
import { loadKoffi } from "./koffi.ts";
import { NativeError } from "./native-error.ts";

// fcntl(2), memfd_create(2) and getrlimit(2) for Linux on x86-64 and arm64.
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE */
const allSeals = 1 | 2 | 4 | 8;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const RLIMIT_NOFILE = 7;

const koffi = loadKoffi();
// The process itself: whichever libc Node is linked with, glibc or musl, is in it already.
const libc = koffi.load(null);
const calls = {
  memfd_create: libc.func("int memfd_create(const char *name, unsigned int flags)"),
  fcntl: libc.func("int fcntl(int fd, int command, ...)"),
  getrlimit: libc.func("int getrlimit(int resource, void *limit)"),
  setrlimit: libc.func("int setrlimit(int resource, const void *limit)"),
  signal: libc.func("intptr_t signal(int number, intptr_t handler)"),
  execve: libc.func("int execve(const void *path, const void *argv, const void *environment)"),
  syscall: libc.func("long syscall(long number, ...)"),
};

function check(call: string, result: number | bigint): number {
  if (Number(result) === -1) throw new NativeError(call, koffi.errno());
  return Number(result);
}

/** An anonymous file in memory that can be sealed; closed on execve unless keepOnExec says otherwise. */
export function createMemoryFile(name: string): number {
  return check("memfd_create", calls.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

/** From here on nobody can change the file, whoever holds a descriptor of it. */
export function sealMemoryFile(fd: number): void {
  check("fcntl(F_ADD_SEALS)", calls.fcntl(fd, F_ADD_SEALS, "int", allSeals));
}

/** The program that this process becomes keeps the descriptor. */
export function keepOnExec(fd: number): void {
  const flags = check("fcntl(F_GETFD)", calls.fcntl(fd, F_GETFD));
  check("fcntl(F_SETFD)", calls.fcntl(fd, F_SETFD, "int", flags & ~FD_CLOEXEC));
}

/** SIG_DFL for a signal that is ignored now. */
export function restoreDefaultSignal(number: number): void {
  check("signal", calls.signal(number, 0));
}

/** SIG_IGN, as after nohup(1). The two that can't be ignored are left alone. */
export function ignoreSignal(number: number): void {
  calls.signal(number, 1);
}

/** Sets the soft limit alone, as far as the hard one lets it. */
export function limitOpenFiles(soft: bigint): void {
  const limit = new BigUint64Array(2);
  check("getrlimit", calls.getrlimit(RLIMIT_NOFILE, limit));
  const hard = limit[1] ?? 0n;
  limit[0] = soft < hard ? soft : hard;
  check("setrlimit", calls.setrlimit(RLIMIT_NOFILE, limit));
}

/** Becomes another program; only returns by throwing a NativeError. Strings go as the bytes they are. */
export function execute(
  path: string,
  argv: readonly Uint8Array[],
  environment: readonly Uint8Array[],
): never {
  // Whatever the pointers lead to has to be held by a variable until the call.
  const program = terminate(Buffer.from(path));
  const [words, variables] = [argv.map(terminate), environment.map(terminate)];
  check("execve", calls.execve(program, listPointers(words), listPointers(variables)));
  throw new NativeError("execve", koffi.errno());
}

const terminate = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.of(0)]);

function listPointers(strings: readonly Buffer[]): BigUint64Array {
  return BigUint64Array.from([...strings.map((string) => koffi.address(string)), 0n]);
}

/**
 * The errno of a system call whose arguments are all zero but the first three, 0 when it succeeds, and its result.
 * Only for calls that do nothing with such arguments: it tells whether the kernel has them.
 */
export function trySystemCall(number: number, ...args: readonly number[]): { errno: number; result: number } {
  const six = Array.from({ length: 6 }, (_, index) => args[index] ?? 0);
  const result = Number(calls.syscall(number, ...six.flatMap((value) => ["long", value])));
  return { errno: result === -1 ? koffi.errno() : 0, result };
}
