import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls'
import { unreachable } from '../shared/unreachable.ts'
import type { Check } from './examine.ts'
import { failure, type Opinion, ok, warning } from './finding.ts'

const deadlineMs = 5_000
const dayMs = 24 * 60 * 60 * 1000
/** Certificates that renew themselves do so a month ahead: one with less left has missed it. */
const fewDays = 21

const noDeployment = 'no deployment is examined; --url names one'

/** The name resolves and something listens. */
export const address: Check = {
  name: 'address',
  unless: ({ deployment }) => (deployment === undefined ? noDeployment : undefined),
  async run({ deployment }) {
    const { hostname, host, port } = place(deployment)
    const found = await inTime(lookup(hostname, { all: true }), host)
    await opened(connectTcp({ host: hostname, port }), 'connect', host)
    const addresses = found.map(({ address }) => address).join(', ')
    return ok(isIP(hostname) ? `${host} listens` : `${hostname} is ${addresses}, and listens on ${port}`)
  },
}

/** What a TLS handshake brought, whether or not it is to be trusted. */
interface Handshake {
  readonly certificate: PeerCertificate
  /** Node's code for what is wrong with the chain; undefined where it holds. */
  readonly fault: string | undefined
}

/** The port speaks TLS. */
export const tls: Check = {
  name: 'TLS',
  needs: ['address'],
  unless: ({ deployment }) => withoutTls(deployment?.origin),
  async run(context) {
    const { host } = place(context.deployment)
    const { protocol } = await handshake(context)
    return ok(`${host} speaks ${protocol}`)
  },
}

/** The certificate holds, is for this name, and will go on holding. */
export const certificate: Check = {
  name: 'certificate',
  needs: ['TLS'],
  unless: ({ deployment }) => withoutTls(deployment?.origin),
  async run(context) {
    const { hostname } = place(context.deployment)
    return judgeCertificate(await handshake(context), hostname, context.now())
  },
}

/** Plain http leads to https and nowhere else (RFC 6797 section 7.2). */
export const httpToHttps: Check = {
  name: 'http to https',
  needs: ['address'],
  unless: ({ deployment }) =>
    withoutTls(deployment?.origin) ??
    (new URL(deployment?.origin ?? '').port === '' ? undefined : 'only the standard ports have a plain counterpart'),
  async run({ deployment, toDeployment }) {
    const plain = `${(deployment?.origin ?? '').replace('https:', 'http:')}/healthz`
    const answer = await toDeployment.get(plain).catch(() => undefined)
    return judgePlainHttp(answer)
  },
}

/** @param now milliseconds since the epoch */
export function judgeCertificate({ certificate, fault }: Handshake, hostname: string, now: number): Opinion {
  const expires = Date.parse(certificate.valid_to)
  const days = Math.floor((expires - now) / dayMs)
  const date = Number.isNaN(expires) ? 'a date that cannot be read' : new Date(expires).toISOString().slice(0, 10)
  const stranger = checkServerIdentity(hostname, certificate)
  const renew = 'Renew it. On Container Apps a managed certificate renews itself while the DNS records stay in place.'
  if (days < 0) return failure(`It expired on ${date}.`, renew)
  if (Date.parse(certificate.valid_from) > now) {
    return failure(
      `It is valid from ${certificate.valid_from} on.`,
      'Check the clock of this machine, and the certificate.',
    )
  }
  if (stranger !== undefined) {
    return failure(
      `It is not for ${hostname}, but for ${certificate.subjectaltname ?? certificate.subject?.CN ?? 'nobody'}.`,
      'Bind a certificate for this name, or use the name that it is for.',
    )
  }
  if (fault !== undefined) {
    return failure(
      `Its chain does not hold (${fault}).`,
      'Serve the whole chain; for a private authority name its certificate in NODE_EXTRA_CA_CERTS, here and with clients.',
    )
  }
  if (days < fewDays) return warning(`It expires in ${days} days, on ${date}.`, renew)
  return ok(`for ${hostname}, until ${date} (${days} days)`)
}

/** @param answer of the plain http address; undefined where nothing answers there, which is as good */
export function judgePlainHttp(
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> } | undefined,
): Opinion {
  if (answer === undefined) return ok('nothing answers over plain http')
  const { status, headers } = answer
  if (status >= 300 && status < 400 && headers['location']?.startsWith('https://'))
    return ok('plain http leads to https')
  return failure(
    `Plain http is answered with ${status}.`,
    'Let it lead to https: on Container Apps set allowInsecure to false.',
  )
}

function withoutTls(origin: string | undefined): string | undefined {
  if (origin === undefined) return noDeployment
  return origin.startsWith('http:') ? 'plain http, on this machine' : undefined
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
    // Judged here, so that every fault has its own words.
    rejectUnauthorized: false,
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(trusted !== undefined && { ca: trusted }),
  })
  return opened(socket, 'secureConnect', host, () => ({
    certificate: socket.getPeerCertificate(),
    protocol: socket.getProtocol() ?? 'TLS',
    fault: faultOf(socket.authorizationError),
  }))
}

/** Dates and name are judged by themselves, in words of their own. */
function faultOf(authorizationError: unknown): string | undefined {
  const code = authorizationError ? String(authorizationError) : ''
  return /^$|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ALTNAME_INVALID/.test(code) ? undefined : code
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
  return Object.assign(new Error('No answer in time'), { name: 'TimeoutError' })
}
