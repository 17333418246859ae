import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { buildConnector } from 'undici'
import { type BoundedClient, type BoundedRequest, type Bounds, createBoundedClient } from './bounded-client.ts'
import { beforeDeadline, type Deadline, deadlineIn } from './deadline.ts'

/** The target of a TLS connection: an address, and the name that its certificate has to be for. */
export interface Destination {
  readonly address: string
  readonly port: number
  readonly servername: string
}

/** DNS and TLS, which tests replace to reach their own hosts. */
export interface Network {
  resolve(hostname: string): Promise<readonly string[]>
  /** A TLS socket that has begun to connect. */
  dial(destination: Destination): Socket
}

export const internet: Network = {
  // Not dns.lookup: it waits in a pool of threads that all lookups of the process share, those of Entra and Graph too.
  async resolve(hostname) {
    const resolver = new Resolver({ timeout: 1_000, tries: 1 })
    const results = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  },
  dial: ({ address, port, servername }) =>
    connectTls({ host: address, port, servername, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' }),
}

/** Azure's own services inside every virtual network, at an address that looks public (Microsoft, "What is IP address 168.63.129.16?"). */
const platformAddress = '168.63.129.16'

/**
 * Whether an address is one of the public internet: no private, loopback, link-local, reserved or translated one, and
 * no IPv6 address outside what has been given out (2000::/3, RFC 4291 section 2.4).
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address === platformAddress) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed instanceof ipaddr.IPv4 || parsed.match(ipaddr.IPv6.parse('2000::'), 3)
}

/**
 * A bounded client for URLs of untrusted hosts. A name is resolved once, every address it has must be public, and the
 * connection goes to the very address that was checked, so that a second DNS response cannot redirect it (DNS rebinding).
 *
 * Source: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"; OAuth Client ID Metadata Document section 6.
 */
export function createPublicClient(bounds: Bounds, network: Network = internet) {
  const connect: buildConnector.connector = (target, callback) => {
    connectTo(target, network, deadlineIn(bounds.connectTimeoutMs)).then(
      (socket) => callback(null, socket),
      (error) => callback(error, null),
    )
  }

  // One for each call: a pool would dial again for a call that ran into its deadline, and an untrusted host gets one request.
  const calls = new Set<BoundedClient>()
  async function request(options: BoundedRequest) {
    const http = createBoundedClient({ ...bounds, connect })
    calls.add(http)
    try {
      return await http.request(options)
    } finally {
      calls.delete(http)
      await http.close()
    }
  }
  return { request, close: async () => void (await Promise.all([...calls].map((http) => http.close()))) }
}

/** @param deadline for the name as well: it can be as slow as the host */
async function connectTo(
  { hostname, port, protocol }: buildConnector.Options,
  network: Network,
  deadline: Deadline,
): Promise<Socket> {
  if (protocol !== 'https:') throw new Error('Only https is allowed for untrusted hosts')
  const late = () => new Error('Connection timed out')
  const address = await beforeDeadline(publicAddressOf(hostname, network), deadline, late)
  const socket = network.dial({ address, port: Number(port || 443), servername: hostname })
  try {
    await beforeDeadline(once(socket, 'secureConnect'), deadline, late)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function publicAddressOf(hostname: string, { resolve }: Network): Promise<string> {
  const addresses = await resolve(hostname)
  const [address] = addresses
  if (address === undefined || !addresses.every(isPublicAddress))
    throw new Error('The host is not on the public internet')
  return address
}
