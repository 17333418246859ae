import { isLoopback } from '../lib/loopback.ts'
import { isClose } from '../lib/spelling.ts'
import { type ConfigIssue, EnvironmentSchema } from './environment.ts'

/** A setting that removes a protection. */
export type UnsafeSetting = Omit<ConfigIssue, 'code'>

/** Node's own flags that remove a protection; Node.js, "Command-line API". */
const unsafeFlags: readonly [flag: RegExp, effect: string][] = [
  [/^--inspect(-brk|-wait)?(=|$)/, 'opens a debugger that exposes every token on this machine'],
  [/^--tls-min-v1\.[01]$/, 'allows a version of TLS that RFC 8996 deprecates'],
  [/^--(tls-keylog(=|$)|trace-tls$)/, 'exposes the TLS traffic to Entra and Graph'],
  [/^--insecure-http-parser$/, 'allows request smuggling'],
  [/^--security-revert(=|$)/, 'reverts a security fix of Node.js'],
]

/** Settings of Node.js that remove a protection that this server relies on. Production does not start with any. */
export function unsafeNodeSettings(env: NodeJS.ProcessEnv, execArgv: readonly string[]): UnsafeSetting[] {
  const found: UnsafeSetting[] = []
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const message = 'must not be 0: it disables TLS verification. Use NODE_EXTRA_CA_CERTS for a private CA'
    found.push({ name: 'NODE_TLS_REJECT_UNAUTHORIZED', message })
  }
  if (env['NODE_DEBUG']?.trim()) {
    found.push({
      name: 'NODE_DEBUG',
      message: 'must not be set: it writes traffic, tokens included, to standard error',
    })
  }
  // Node accepts underscores for dashes.
  const options = (env['NODE_OPTIONS'] ?? '').split(/[\s"]+/)
  for (const [where, flags] of [
    ['NODE_OPTIONS', options],
    ['node', execArgv],
  ] as const) {
    for (const given of flags) {
      const flag = given.replace(/^[^=]+/, (name) => name.replaceAll('_', '-'))
      const effect = unsafeFlags.find(([pattern]) => pattern.test(flag))?.[1]
      if (effect !== undefined)
        found.push({ name: where, message: `must not have ${flag.split('=')[0]}: it ${effect}` })
    }
  }
  return found
}

/** Variables that are ignored, and are likely meant as others: an allow list that is not read allows everybody. */
export function misspelledSettings(env: NodeJS.ProcessEnv): UnsafeSetting[] {
  const known = Object.keys(EnvironmentSchema.properties)
  return Object.keys(env)
    .filter((name) => name.includes('_') && !known.includes(name) && env[name]?.trim())
    .flatMap((name) => {
      const meant = known.find((other) => other.includes('_') && isClose(name, other))
      return meant === undefined ? [] : [{ name, message: `is not read: ${meant} is` }]
    })
}

/** Connections without TLS: right on a private network, and warned about at every start. */
export function plainConnections(env: NodeJS.ProcessEnv): UnsafeSetting[] {
  return (['REDIS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const).flatMap((name) => {
    const url = env[name] ?? ''
    if (!/^(redis|http):/.test(url) || !URL.canParse(url) || isLoopback(new URL(url).hostname)) return []
    return [{ name, message: 'is not encrypted: the network can read and change traffic, passwords included' }]
  })
}

/** 32 bytes that are not random: of random ones, one in 10^13 is text, and fewer have so few distinct values. */
export function isWeakKey(key: string): boolean {
  const bytes = Buffer.from(key, 'base64')
  const steps = new Set(bytes.subarray(1).map((byte, i) => byte - (bytes[i] ?? 0)))
  return new Set(bytes).size < 16 || steps.size < 8 || bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}
