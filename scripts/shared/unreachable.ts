import { OperatorError } from './operator-error.ts'

/** Why a request got no answer at all, told apart by what the operator can do about it. */
interface Unreachable {
  readonly what: string
  readonly next: string
}

const certificate: (code: string) => (host: string) => Unreachable = (why) => (host) => ({
  what: `The TLS certificate of ${host} does not hold: ${why}.`,
  next: 'Renew or replace it (doctor says more); for a private authority name its certificate in NODE_EXTRA_CA_CERTS.',
})
const slow = (host: string): Unreachable => ({
  what: `${host} did not answer in time.`,
  next: 'Check that it runs and that no firewall or proxy swallows the request, and try again.',
})
const nameless = (host: string): Unreachable => ({
  what: `The name ${host} does not resolve.`,
  next: 'Check the spelling of the address and its DNS record.',
})
const cutOff = (host: string): Unreachable => ({
  what: `${host} broke the connection off.`,
  next: 'Check its log and what stands in front of it, and try again.',
})
const noTls = (host: string): Unreachable => ({
  what: `${host} does not speak TLS on this port.`,
  next: 'Check the port; on this machine the address begins with http://.',
})

/** By the codes of Node's network, TLS and OpenSSL errors, and undici's. */
const byCode: Readonly<Record<string, (host: string) => Unreachable>> = {
  ECONNREFUSED: (host) => ({
    what: `Nothing listens on ${host}.`,
    next: 'Start the server, or name the right address.',
  }),
  ENOTFOUND: nameless,
  EAI_AGAIN: nameless,
  ETIMEDOUT: slow,
  UND_ERR_CONNECT_TIMEOUT: slow,
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
  ECONNRESET: cutOff,
  UND_ERR_SOCKET: cutOff,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  CERT_HAS_EXPIRED: certificate('it has expired'),
  CERT_NOT_YET_VALID: certificate('it is not valid yet'),
  ERR_TLS_CERT_ALTNAME_INVALID: certificate('it is for another name'),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate('it is signed by itself'),
  SELF_SIGNED_CERT_IN_CHAIN: certificate('its authority is not trusted here'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate('its chain is not complete'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate('its chain is not complete'),
}

/**
 * A request that got no answer, as something to act on.
 *
 * @param host as a URL has it, with the port
 * @param error what fetch, undici or Node's sockets threw
 */
export function unreachable(host: string, error: unknown): OperatorError {
  const { what, next } = (byCode[codeOf(error)] ?? unknown(codeOf(error)))(host)
  return new OperatorError(what, next, { cause: error })
}

/** The code nearest to the cause: fetch and the bounded client wrap what the socket said, and names tried in turn come as an aggregate. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error.name === 'TimeoutError' || (error as { kind?: unknown }).kind === 'timeout') return 'ETIMEDOUT'
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  const { code } = error as { code?: unknown }
  return codeOf(inner) || (typeof code === 'string' ? code : '')
}

const unknown =
  (code: string) =>
  (host: string): Unreachable => ({
    what: `${host} cannot be reached${code === '' ? '' : ` (${code})`}.`,
    next: 'Check the address and the way to it.',
  })
