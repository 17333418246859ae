import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { generate } from 'selfsigned'
import type { Emulator } from '../../emulator/app.ts'
import { type DoctorWorld, doctorCommand } from '../../scripts/commands/doctor.ts'
import type { Finding } from '../../scripts/doctor/finding.ts'
import { createIo } from '../../scripts/shared/io.ts'
import { OperatorError } from '../../scripts/shared/operator-error.ts'
import { type Env, freePort, listen } from '../helper.ts'

export interface Diagnosis {
  /** Whether the command called it a success. */
  readonly passed: boolean
  readonly findings: readonly Finding[]
  /** What is neither in order nor left out. */
  readonly trouble: readonly Finding[]
}

/** Runs doctor in this process, with what a test replaces. */
export async function diagnose(
  args: readonly string[],
  env: Env = {},
  world: DoctorWorld & { readonly onProgress?: (text: string) => void } = {},
): Promise<Diagnosis> {
  let out = ''
  const io = createIo({
    env,
    signal: new AbortController().signal,
    stdin: Readable.from([]),
    stdout: {
      write: (text) => {
        out += text
      },
    },
    stderr: { write: world.onProgress ?? (() => undefined) },
  })
  const failed = await doctorCommand(io, world)
    .parseAsync([...args, '--json'], { from: 'user' })
    .then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof OperatorError && error.code === 'checks_failed') return error.details
        throw error
      },
    )
  const { findings } = (failed ?? JSON.parse(out)) as { findings: readonly Finding[] }
  return {
    passed: failed === undefined,
    findings,
    trouble: findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'failure'),
  }
}

/** Replaces a response and returns true; otherwise the server's own goes through. */
export type Bend = (path: string, response: ServerResponse, request: IncomingMessage) => boolean

export interface FrontOptions {
  readonly bend?: Bend
  /** Changes the headers of the server's own responses. */
  readonly headers?: (headers: Record<string, string | string[] | undefined>) => void
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly env?: Env
}

/** A deployment as clients meet it: the server, and something in front of it by whose address it is known. */
export async function deploy(t: TestContext, tenant: Emulator, options: FrontOptions = {}): Promise<string> {
  const { bend = () => false, headers = () => undefined, tls, env } = options
  const port = await freePort()
  const origin = `${tls === undefined ? 'http' : 'https'}://localhost:${port}`
  const inner = await listen(t, { PUBLIC_BASE_URL: origin, ...env }, tenant)
  const innerPort = (inner.app.server.address() as AddressInfo).port
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if (bend(request.url ?? '', response, request)) return
    const { method, url, headers: given } = request
    const onward = sendRequest({ host: '127.0.0.1', port: innerPort, method, path: url, headers: given }, (own) => {
      const changed = { ...own.headers }
      headers(changed)
      const left = Object.entries(changed).filter(([, value]) => value !== undefined)
      response.writeHead(own.statusCode ?? 500, Object.fromEntries(left))
      own.pipe(response)
    })
    request.pipe(onward)
  }
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return origin
}

const dayMs = 24 * 60 * 60 * 1000

/** A certificate made for this run, which signs itself. */
export async function makeCertificate({ host = 'localhost', fromDays = -1, toDays = 90 } = {}) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keySize: 2048,
    notBeforeDate: new Date(Date.now() + fromDays * dayMs),
    notAfterDate: new Date(Date.now() + toDays * dayMs),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  })
  return { key, cert }
}

/** Sends another response. */
export function say(response: ServerResponse, status: number, body: string, type = 'application/json'): true {
  response.writeHead(status, { 'content-type': type }).end(body)
  return true
}
