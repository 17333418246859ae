import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import { normalizeIP } from '@fastify/rate-limit'

/**
 * The IP address in an entry of `X-Forwarded-For`: without a port, as Azure Application Gateway appends it (Microsoft,
 * "How an application gateway works: Modifications to the request"), and without brackets or a zone (RFC 4007 section
 * 11).
 *
 * @returns undefined where there is none
 */
export function parseAddress(entry: string): string | undefined {
  // An IPv6 address without brackets may end like a port, so the whole comes first.
  return [entry, entry.replace(/:\d+$/, '')]
    .map((text) => text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, ''))
    .find((text) => isIP(text) !== 0)
}

/**
 * What limits by address count by: an IPv4 address, also where it comes mapped to IPv6, or the /64 of an IPv6 address,
 * which is one customer's (RFC 6177 section 2). Whatever is no address counts as one.
 */
export function addressKey(address: string | undefined): string {
  const parsed = parseAddress(address ?? '')
  return parsed === undefined ? 'unknown' : normalizeIP(parsed, 64)
}

/**
 * Fastify's `trustProxy` for these addresses and ranges. A proxy's address counts with a port as well: else the entries
 * before it would not be read, and all of its clients would be one.
 */
export function trustProxies(ranges: readonly string[]): (address: string | undefined, hop: number) => boolean {
  const isTrusted = proxyAddr.compile([...ranges])
  return (address, hop) => isTrusted(parseAddress(address ?? '') ?? '', hop)
}
