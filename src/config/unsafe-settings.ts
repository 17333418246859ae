import { isLoopback } from '../lib/loopback.ts'

/** What is set, and why nobody who depends on this server would want it: completes the sentence that begins with the name. */
export interface UnsafeSetting {
  readonly name: string
  readonly why: string
}

type Given = Readonly<Record<string, string | undefined>>

/** Node's own flags that take a lock off; Node.js, "Command-line API". */
const unsafeFlags: readonly [flag: RegExp, why: string][] = [
  [/^--inspect(-brk|-wait)?(=|$)/, 'opens a debugger, by which anybody on this machine reads every token'],
  [/^--tls-min-v1\.[01]$/, 'takes a version of TLS that RFC 8996 forbids'],
  [/^--(tls-keylog(=|$)|trace-tls$)/, 'writes down what opens the connections to Entra and Graph'],
  [/^--insecure-http-parser$/, 'takes requests that a proxy may read in another way (request smuggling)'],
  [/^--security-revert(=|$)/, 'undoes a security fix of Node.js'],
]

/** Settings of Node.js that undo what this server relies on. Production does not start with one of them. */
export function unsafeNodeSettings(env: Given, execArgv: readonly string[]): UnsafeSetting[] {
  const found: UnsafeSetting[] = []
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const why =
      'cannot be 0: whoever is on the way to Entra and Graph could be them. Name your own CA in NODE_EXTRA_CA_CERTS'
    found.push({ name: 'NODE_TLS_REJECT_UNAUTHORIZED', why })
  }
  if (env['NODE_DEBUG']?.trim()) {
    found.push({
      name: 'NODE_DEBUG',
      why: 'must not be set: it writes what is sent, tokens included, to standard error',
    })
  }
  // Node takes underscores for dashes.
  const options = (env['NODE_OPTIONS'] ?? '').split(/[\s"]+/)
  for (const [where, flags] of [
    ['NODE_OPTIONS', options],
    ['node', execArgv],
  ] as const) {
    for (const given of flags) {
      const flag = given.replace(/^[^=]+/, (name) => name.replaceAll('_', '-'))
      const why = unsafeFlags.find(([pattern]) => pattern.test(flag))?.[1]
      if (why !== undefined) found.push({ name: where, why: `must not have ${flag.split('=')[0]}: it ${why}` })
    }
  }
  return found
}

/** What may be right where the network is private, and is said at every start. */
export function plainConnections(env: Given): UnsafeSetting[] {
  return (['REDIS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const).flatMap((name) => {
    const url = env[name] ?? ''
    if (!/^(redis|http):/.test(url) || !URL.canParse(url) || isLoopback(new URL(url).hostname)) return []
    return [
      { name, why: 'is not encrypted: whoever is on the way can read and change what is sent, passwords included' },
    ]
  })
}

/** 32 bytes that nobody drew at random: of those that were, one in 10^13 is text, and fewer have so few values. */
export function isWeakKey(key: string): boolean {
  const bytes = Buffer.from(key, 'base64')
  const steps = new Set(bytes.subarray(1).map((byte, i) => byte - (bytes[i] ?? 0)))
  return new Set(bytes).size < 16 || steps.size < 8 || bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}
