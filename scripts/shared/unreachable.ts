import { OperatorError } from './operator-error.ts'

/** Why a request got no response, by what the operator can do about it. */
interface Unreachable {
  readonly message: string
  readonly next: string
}

const certificate: (code: string) => (host: string) => Unreachable = (why) => (host) => ({
  message: `Invalid TLS certificate of ${host}: ${why}.`,
  next: 'Renew or replace it (run doctor for details); for a private CA set NODE_EXTRA_CA_CERTS to its certificate.',
})
const timedOut = (host: string): Unreachable => ({
  message: `${host} did not answer in time.`,
  next: 'Check that it is running and that no firewall or proxy drops the request, then try again.',
})
const unresolved = (host: string): Unreachable => ({
  message: `The name ${host} does not resolve.`,
  next: 'Check the spelling of the address and its DNS record.',
})
const closed = (host: string): Unreachable => ({
  message: `${host} closed the connection.`,
  next: 'Check its log and any proxy in front of it, then try again.',
})
const noTls = (host: string): Unreachable => ({
  message: `${host} does not speak TLS on this port.`,
  next: 'Check the port; on this machine the address begins with http://.',
})

/** By the codes of Node's network, TLS and OpenSSL errors, and undici's. */
const byCode: Readonly<Record<string, (host: string) => Unreachable>> = {
  ECONNREFUSED: (host) => ({
    message: `Nothing listens on ${host}.`,
    next: 'Start the server, or name the right address.',
  }),
  ENOTFOUND: unresolved,
  EAI_AGAIN: unresolved,
  ETIMEDOUT: timedOut,
  UND_ERR_CONNECT_TIMEOUT: timedOut,
  UND_ERR_HEADERS_TIMEOUT: timedOut,
  UND_ERR_BODY_TIMEOUT: timedOut,
  ECONNRESET: closed,
  UND_ERR_SOCKET: closed,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  CERT_HAS_EXPIRED: certificate('it has expired'),
  CERT_NOT_YET_VALID: certificate('it is not valid yet'),
  ERR_TLS_CERT_ALTNAME_INVALID: certificate('it is for another name'),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate('it is self-signed'),
  SELF_SIGNED_CERT_IN_CHAIN: certificate('its CA is not trusted on this machine'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate('its chain is incomplete'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate('its chain is incomplete'),
}

/**
 * The error for a request without a response.
 *
 * @param host with the port, as in a URL
 * @param error what fetch, undici or Node's sockets threw
 */
export function unreachable(host: string, error: unknown): OperatorError {
  const code = codeOf(error)
  const { message, next } = (byCode[code] ?? unknown(code || reasonOf(error)))(host)
  return new OperatorError(message, next, { cause: error, code: code || 'unreachable' })
}

/** The innermost code: fetch and the bounded client wrap the socket's error, and several tried addresses are an AggregateError. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error.name === 'TimeoutError' || (error as { kind?: unknown }).kind === 'timeout') return 'ETIMEDOUT'
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  const { code } = error as { code?: unknown }
  return codeOf(inner) || (typeof code === 'string' ? code : '')
}

/** What the innermost error says: fetch itself says "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return reasonOf(error.cause) || error.message
}

const unknown =
  (reason: string) =>
  (host: string): Unreachable => ({
    message: `${host} is unreachable${reason === '' ? '' : ` (${reason})`}.`,
    next: 'Check the address and the network.',
  })
