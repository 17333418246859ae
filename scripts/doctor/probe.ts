import { buildConnector } from 'undici'
import { createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { startRequest } from '../shared/bounded-fetch.ts'
import type { Io } from '../shared/io.ts'
import { OperatorError } from '../shared/operator-error.ts'
import { unreachable } from '../shared/unreachable.ts'

export interface ProbeResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** The body's JSON object; undefined where it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Before and after the request, by this machine's clock: the peer's `Date` lies between them. */
  readonly askedAtMs: number
  readonly receivedAtMs: number
}

export interface ProbeOptions {
  readonly now: () => number
  readonly deadlineMs: number
  /** Accepts an invalid certificate. */
  readonly anyCertificate?: boolean
  readonly trusted?: string | undefined
  readonly trace: Io['trace']
}

export type Probe = ReturnType<typeof createProbe>

const maxBodyBytes = 1_000_000

/** An HTTP client with a deadline and a size limit. A GET of the same URL is sent once. */
export function createProbe({ now, deadlineMs, anyCertificate = false, trusted, trace }: ProbeOptions) {
  const connector = buildConnector({
    timeout: deadlineMs,
    rejectUnauthorized: !anyCertificate,
    ...(trusted !== undefined && { ca: trusted }),
  })
  const bounds = { connectTimeoutMs: deadlineMs, deadlineMs, maxBodyBytes, connections: 2, connect: connector }
  const client = createBoundedClient(bounds)
  const fetched = new Map<string, Promise<ProbeResponse>>()

  /** @throws {OperatorError} where there is no response */
  async function send(request: Parameters<typeof client.request>[0]): Promise<ProbeResponse> {
    const askedAtMs = now()
    const done = startRequest(trace, request.method, new URL(request.url))
    try {
      const { status, headers, body } = await client.request(request)
      done(`${status}`)
      return { status, headers: singleValued(headers), body, json: parse(body), askedAtMs, receivedAtMs: now() }
    } catch (error) {
      done('no response')
      const { host } = new URL(request.url)
      if (error instanceof TransportError && error.kind === 'too_large') {
        throw new OperatorError(
          `${host} sent more than ${maxBodyBytes} bytes.`,
          'Check the address: this is not the server.',
        )
      }
      throw unreachable(host, error)
    }
  }

  return {
    get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<ProbeResponse> {
      const known = fetched.get(url)
      if (known !== undefined) return known
      const response = send({ method: 'GET', url, headers: { accept: 'application/json', ...headers } })
      fetched.set(url, response)
      return response
    },
    post: (url: string, body: string, headers: Readonly<Record<string, string>>) =>
      send({ method: 'POST', url, body, headers }),
    close: () => client.close(),
  }
}

/** The JSON object of a 200. @throws {OperatorError} for any other response */
export function jsonOf(response: ProbeResponse, what: string): Readonly<Record<string, unknown>> {
  const { status, json, headers } = response
  if (reasonOf(response) === 'host_not_allowed') {
    throw new OperatorError(
      `${what}: the server rejects this host name (host_not_allowed).`,
      'Set its PUBLIC_BASE_URL to the address that clients use.',
    )
  }
  if (status !== 200) {
    throw new OperatorError(`${what}: HTTP ${status}.`, 'Check the address, and any gateway in front of it.')
  }
  if (json !== undefined) return json
  const type = headers['content-type'] ?? 'no type'
  throw new OperatorError(
    `${what}: the response is not a JSON object (${type}).`,
    'Check the address, and what is in front of the server: a sign-in page, a parking page, a gateway.',
  )
}

/** The reason that an error of this server has. */
function reasonOf({ json }: ProbeResponse): unknown {
  const { data } = (json?.['error'] ?? {}) as { data?: { reason?: unknown } | null }
  return data?.reason
}

function singleValued(headers: Readonly<Record<string, string | string[] | undefined>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}

function parse(body: string): ProbeResponse['json'] {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
