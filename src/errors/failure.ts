import type { FastifyError } from 'fastify'
import { entryOf, type Reason } from './catalogue.ts'

/** What may accompany a reason. The caller may see all of it but `allowLine` and `cause`, which are for the log. */
export interface FailureDetails {
  /** A sentence that adds to the reason's text: which field, which scope, Graph's own message. */
  readonly detail?: string
  /** The request parameter that it is about. */
  readonly parameter?: string
  readonly retryAfterSeconds?: number
  /** A claims request, as JSON text, that a new sign-in has to carry (Microsoft "Claims challenges"). */
  readonly claims?: string
  /** Where somebody can fix it, such as the admin-consent page. */
  readonly link?: string
  /** The redirect URI that was rejected: origin and path. */
  readonly redirectUri?: string
  /** The entry of the operator's list that would allow it. */
  readonly allowEntry?: string
  /** The whole list with that entry: what else is on it is nobody's but the operator's. */
  readonly allowLine?: string
  /** Graph's `request-id`, which Microsoft's support asks for. */
  readonly graphRequestId?: string
  /** Entra's error code, such as `AADSTS65004` (Microsoft, "Microsoft Entra authentication and authorization error codes"). */
  readonly aadsts?: string
  readonly cause?: unknown
}

/** RFC 9110 section 15.6.4 lets a 503 say when to retry; here every 503 does. */
const defaultRetryAfterSeconds = 2

/** A request that ended for one of the known reasons. */
export class Failure extends Error {
  readonly reason: Reason
  readonly details: FailureDetails
  readonly #isWaitNamed: boolean
  constructor(reason: Reason, details: FailureDetails = {}) {
    super(details.detail ?? reason, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'Failure'
    this.reason = reason
    const entry = entryOf(reason)
    const isTemporary = entry.kind === 'http' && entry.status === 503
    this.details = isTemporary ? { retryAfterSeconds: defaultRetryAfterSeconds, ...details } : details
    this.#isWaitNamed = details.retryAfterSeconds !== undefined
  }
  /** The wait that the upstream named: undefined where `details` have the default. */
  get namedWaitSeconds(): number | undefined {
    return this.#isWaitNamed ? this.details.retryAfterSeconds : undefined
  }
}

/** The failure, to be repeated to whoever asks again before so many milliseconds have passed. */
export function withWait({ reason, details }: Failure, leftMs: number): Failure {
  return new Failure(reason, { ...details, retryAfterSeconds: Math.ceil(leftMs / 1000) })
}

/** The text for a caller: the reason's own and what is known beyond it, on one line. */
export function failureText({ reason, details }: Failure): string {
  const entry = entryOf(reason)
  const { parameter } = details
  const text = parameter === undefined ? entry.text : entry.text.replace(/\.$/, `: ${parameter}.`)
  const parts: (string | undefined)[] = [text, details.detail]
  if (details.retryAfterSeconds !== undefined) parts.push(`Try again in ${details.retryAfterSeconds} s.`)
  else if (entry.kind === 'tool') parts.push(entry.retryHint)
  if (details.link !== undefined) parts.push(details.link)
  // Of an exchange it may be this server's own error, which is for the log.
  if (details.aadsts !== undefined && entry.kind === 'oauth') parts.push(`(${details.aadsts})`)
  if (details.graphRequestId !== undefined) parts.push(`(Graph request id ${details.graphRequestId})`)
  return parts.filter((part) => part !== undefined).join(' ')
}

/** The reason behind whatever was thrown, Fastify's own errors included; what is unknown is `internal`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  const reason = typeof code === 'string' && Object.hasOwn(fastifyReasons, code) ? fastifyReasons[code] : undefined
  if (reason !== undefined) return new Failure(reason, { cause: error })
  if (code === 'FST_ERR_VALIDATION')
    return new Failure('bad_request', { detail: `Not a JSON-RPC message: ${invalidMember(error as FastifyError)}.` })
  const isClientError = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  return new Failure(isClientError ? 'bad_request' : 'internal', { cause: error })
}

/** Several messages of the validator about one member say less than one that names it. */
function invalidMember({ validation = [], message }: FastifyError): string {
  return validation[0]?.instancePath === '/id'
    ? '"id" must be a text of at most 200 characters or a safe integer'
    : message
}

const fastifyReasons: Readonly<Record<string, Reason>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
}
