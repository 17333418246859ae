import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls'
import { unreachable } from '../shared/unreachable.ts'
import type { Context } from './context.ts'
import { type Check, noDeployment } from './examine.ts'
import { failure, type Outcome, ok, warning } from './finding.ts'

const deadlineMs = 5_000
const dayMs = 24 * 60 * 60 * 1000
/** Managed certificates renew a month ahead: one with less left has missed its renewal. */
const warnDays = 21

/** The name resolves and the port accepts connections. */
export const address: Check = {
  name: 'address',
  unless: noDeployment,
  async run({ deployment }) {
    const { hostname, host, port } = place(deployment)
    const found = await inTime(lookup(hostname, { all: true }), host)
    await opened(connectTcp({ host: hostname, port }), 'connect', host)
    const addresses = found.map(({ address }) => address).join(', ')
    return ok(
      isIP(hostname) ? `${host} accepts connections` : `${hostname} is ${addresses} and accepts connections on ${port}`,
    )
  },
}

/** The result of a TLS handshake, trusted or not. */
interface Handshake {
  readonly certificate: PeerCertificate
  /** Node's code for an invalid chain; undefined where it is valid. */
  readonly chainError: string | undefined
}

/** The port speaks TLS. */
export const tls: Check = {
  name: 'TLS',
  needs: ['address'],
  unless: withoutTls,
  async run(context) {
    const { host } = place(context.deployment)
    const { protocol } = await handshake(context)
    return ok(`${host} speaks ${protocol}`)
  },
}

/** The certificate is valid, is for this name, and does not expire soon. */
export const certificate: Check = {
  name: 'certificate',
  needs: ['TLS'],
  unless: withoutTls,
  async run(context) {
    const { hostname } = place(context.deployment)
    return judgeCertificate(await handshake(context), hostname, context.now())
  },
}

/** Plain http redirects to https (RFC 6797 section 7.2). */
export const httpToHttps: Check = {
  name: 'http to https',
  needs: ['address'],
  unless: (context) =>
    withoutTls(context) ??
    (new URL(context.deployment?.origin ?? '').port === '' ? undefined : 'not on a standard port'),
  async run({ deployment, toDeployment }) {
    const plain = `${(deployment?.origin ?? '').replace('https:', 'http:')}/healthz`
    return judgePlainHttp(await toDeployment.get(plain).catch(() => undefined))
  },
}

/** @param now milliseconds since the epoch */
export function judgeCertificate({ certificate, chainError }: Handshake, hostname: string, now: number): Outcome {
  const expires = Date.parse(certificate.valid_to)
  const days = Math.floor((expires - now) / dayMs)
  const date = Number.isNaN(expires) ? 'an unreadable date' : new Date(expires).toISOString().slice(0, 10)
  const wrongName = checkServerIdentity(hostname, certificate)
  const renew = 'Renew it. Container Apps renews a managed certificate as long as its DNS records stay in place.'
  if (days < 0) return failure(`Expired on ${date}.`, renew)
  if (Date.parse(certificate.valid_from) > now) {
    return failure(
      `Not valid before ${certificate.valid_from}.`,
      'Check the clock of this machine, and the certificate.',
    )
  }
  if (wrongName !== undefined) {
    return failure(
      `Issued for ${certificate.subjectaltname ?? certificate.subject?.CN ?? 'no name'}, not for ${hostname}.`,
      'Bind a certificate for this name, or use the name that it is issued for.',
    )
  }
  if (chainError !== undefined) {
    return failure(
      `Invalid certificate chain (${chainError}).`,
      'Serve the whole chain; for a private authority set NODE_EXTRA_CA_CERTS, here and for clients.',
    )
  }
  if (days < warnDays) return warning(`Expires in ${days} days, on ${date}.`, renew)
  return ok(`for ${hostname}, until ${date} (${days} days)`)
}

/** @param response of the plain http address; undefined where there is none, which is as good */
export function judgePlainHttp(
  response: { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> } | undefined,
): Outcome {
  if (response === undefined) return ok('no plain http')
  const { status, headers } = response
  if (status >= 300 && status < 400 && headers['location']?.startsWith('https://'))
    return ok('plain http redirects to https')
  return failure(
    `Plain http responds with ${status}.`,
    'Redirect it to https: on Container Apps set allowInsecure to false.',
  )
}

function withoutTls(context: Context): string | undefined {
  return (
    noDeployment(context) ??
    (context.deployment?.origin.startsWith('http:') ? 'plain http, on this machine' : undefined)
  )
}

function place(deployment: { readonly origin: string } | undefined) {
  const { hostname, port, protocol } = new URL(deployment?.origin ?? '')
  const number = Number(port) || (protocol === 'https:' ? 443 : 80)
  // URLs have IPv6 addresses in brackets, sockets have not.
  const name = hostname.replace(/^\[(.*)\]$/, '$1')
  return { hostname: name, port: number, host: `${hostname}:${number}` }
}

async function handshake({
  deployment,
  trusted,
}: {
  readonly deployment: { readonly origin: string } | undefined
  readonly trusted: string | undefined
}): Promise<Handshake & { readonly protocol: string }> {
  const { hostname, port, host } = place(deployment)
  const socket = connectTls({
    host: hostname,
    port,
    // Checked here, so that every error has its own text.
    rejectUnauthorized: false,
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(trusted !== undefined && { ca: trusted }),
  })
  return opened(socket, 'secureConnect', host, () => ({
    certificate: socket.getPeerCertificate(),
    protocol: socket.getProtocol() ?? 'TLS',
    chainError: chainErrorOf(socket.authorizationError),
  }))
}

/** Node's codes for dates and name, which have checks and texts of their own. */
const otherCodes: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** @param error Node's `tlsSocket.authorizationError`: a code, whatever its type says */
function chainErrorOf(error: unknown): string | undefined {
  const code = error ? String(error) : undefined
  return code === undefined || otherCodes.has(code) ? undefined : code
}

function opened<T = undefined>(
  socket: ReturnType<typeof connectTcp>,
  event: 'connect' | 'secureConnect',
  host: string,
  read: () => T = () => undefined as T,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    socket.setTimeout(deadlineMs, () => reject(unreachable(host, late())))
    socket.once(event, () => resolve(read()))
    socket.once('error', (error) => reject(unreachable(host, error)))
  }).finally(() => socket.destroy())
}

async function inTime<T>(work: Promise<T>, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), deadlineMs)
  })
  try {
    return await Promise.race([work, tooLate])
  } catch (error) {
    throw unreachable(host, error)
  } finally {
    clearTimeout(timer)
  }
}

function late(): Error {
  return Object.assign(new Error('No response in time'), { name: 'TimeoutError' })
}
