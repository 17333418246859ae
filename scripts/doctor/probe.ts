import { buildConnector } from 'undici'
import { createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { unreachable } from '../shared/unreachable.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** The body's JSON object; undefined where it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** When it was asked for and when it was there, by this machine's clock: between them lies the peer's `Date`. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
}

export interface ProbeOptions {
  readonly now: () => number
  readonly deadlineMs: number
  /** Whether a certificate that does not hold is an answer like any other. */
  readonly anyCertificate?: boolean
  readonly trusted?: string | undefined
}

export type Probe = ReturnType<typeof createProbe>

const maxBodyBytes = 1_000_000

/** Requests that end in time, of any size to a limit, wherever they go. GETs are made once. */
export function createProbe({ now, deadlineMs, anyCertificate = false, trusted }: ProbeOptions) {
  const connector = buildConnector({
    timeout: deadlineMs,
    rejectUnauthorized: !anyCertificate,
    ...(trusted !== undefined && { ca: trusted }),
  })
  const bounds = { connectTimeoutMs: deadlineMs, deadlineMs, maxBodyBytes, connections: 2, connect: connector }
  const client = createBoundedClient(bounds)
  const got = new Map<string, Promise<Answer>>()

  /** @throws {OperatorError} where there is no answer */
  async function send(request: Parameters<typeof client.request>[0]): Promise<Answer> {
    const askedAtMs = now()
    try {
      const { status, headers, body } = await client.request(request)
      return { status, headers: singleValued(headers), body, json: parse(body), askedAtMs, answeredAtMs: now() }
    } catch (error) {
      const { host } = new URL(request.url)
      if (error instanceof TransportError && error.kind === 'too_large') {
        throw new OperatorError(`${host} sent more than ${maxBodyBytes} bytes.`, 'Something else answers there.')
      }
      throw unreachable(host, error)
    }
  }

  return {
    get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
      const known = got.get(url)
      if (known !== undefined) return known
      const answer = send({ method: 'GET', url, headers: { accept: 'application/json', ...headers } })
      got.set(url, answer)
      return answer
    },
    post: (url: string, body: string, headers: Readonly<Record<string, string>>) =>
      send({ method: 'POST', url, body, headers }),
    close: () => client.close(),
  }
}

/** An answer's JSON, or why there is none to judge. @throws {OperatorError} */
export function jsonOf(answer: Answer, what: string): Readonly<Record<string, unknown>> {
  const { status, json, headers } = answer
  if (reasonOf(answer) === 'host_not_allowed') {
    throw new OperatorError(
      `${what}: the server rejects this host name (host_not_allowed).`,
      'Set its PUBLIC_BASE_URL to the address that clients use.',
    )
  }
  if (status !== 200) {
    throw new OperatorError(`${what} is answered with ${status}.`, 'Check the address, and what stands in front of it.')
  }
  if (json !== undefined) return json
  const type = headers['content-type'] ?? 'no type'
  throw new OperatorError(
    `${what} is answered with something that is no JSON object (${type}).`,
    'Something else answers there, or stands in front of the server: a sign-in page, a parking page, a gateway.',
  )
}

/** The reason that an error of this server has. */
function reasonOf({ json }: Answer): unknown {
  const { data } = (json?.['error'] ?? {}) as { data?: { reason?: unknown } | null }
  return data?.reason
}

function singleValued(headers: Readonly<Record<string, string | string[] | undefined>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}

function parse(body: string): Answer['json'] {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
