import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { buildConnector } from 'undici'
import { type Bounds, createBoundedClient } from './bounded-client.ts'

/** Where an https connection goes: an address, and the name that its certificate has to carry. */
export interface Destination {
  readonly address: string
  readonly port: number
  readonly servername: string
}

/** The ways to the internet, which tests replace by ways to their own hosts. */
export interface Network {
  resolve(hostname: string): Promise<readonly string[]>
  /** A TLS socket that has begun to connect. */
  dial(destination: Destination): Socket
}

export const internet: Network = {
  resolve: async (hostname) =>
    (await lookup(hostname, { all: true, order: 'ipv4first' })).map(({ address }) => address),
  dial: ({ address, port, servername }) =>
    connectTls({ host: address, port, servername, ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.2' }),
}

/** Whether an address is one of the public internet: no private, loopback, link-local, reserved or translated one. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === 'unicast'
}

/**
 * A bounded client for URLs that strangers name. A name is resolved once, every address it has must be public, and the
 * connection goes to the very address that was checked, so that no second answer of the DNS can lead it elsewhere.
 *
 * Source: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"; OAuth Client ID Metadata Document section 6.
 */
export function createPublicClient(bounds: Bounds, { resolve, dial }: Network = internet) {
  const connect: buildConnector.connector = ({ hostname, port, protocol }, callback) => {
    const open = async () => {
      if (protocol !== 'https:') throw new Error('Only https is spoken to strangers')
      const addresses = await resolve(hostname)
      const [address] = addresses
      if (address === undefined || !addresses.every(isPublicAddress)) throw new Error('The host is not a public one')
      return dial({ address, port: Number(port || 443), servername: hostname })
    }
    open().then(
      (socket) => whenSecure(socket, bounds.connectTimeoutMs, callback),
      (error) => callback(error, null),
    )
  }
  return createBoundedClient({ ...bounds, connect })
}

function whenSecure(socket: Socket, timeoutMs: number, callback: buildConnector.Callback) {
  const timer = setTimeout(() => socket.destroy(new Error('The host took too long to connect')), timeoutMs)
  const onError = (error: Error) => {
    clearTimeout(timer)
    callback(error, null)
  }
  socket.once('error', onError)
  socket.once('secureConnect', () => {
    clearTimeout(timer)
    socket.removeListener('error', onError)
    callback(null, socket)
  })
}
