import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AadstsError, errorBody, reportOf } from './entra/aadsts.ts'
import type { FaultRule } from './fault-rule.ts'

type Kind = (rule: FaultRule, reply: FastifyReply, now: number, request: FastifyRequest) => unknown

const MEGABYTE = 1024 * 1024
const HUGE_MEGABYTES = 50
const DRIP_INTERVAL_MS = 20

/** How each kind responds; `delay` does not respond. */
const KINDS: Readonly<Record<Exclude<FaultRule['kind'], 'delay'>, Kind>> = {
  status: (rule, reply) => reply.code(rule.status ?? 500).send(rule.body ?? ''),

  html: (rule, reply) =>
    reply
      .code(rule.status ?? 200)
      .type('text/html; charset=utf-8')
      .send(rule.body ?? '<!doctype html><title>Service unavailable</title><h1>Our services are not available</h1>'),

  'empty-object': (rule, reply) => reply.code(rule.status ?? 200).send({}),

  'wrong-types': (rule, reply) =>
    reply.code(rule.status ?? 200).send({
      access_token: 42,
      expires_in: 'soon',
      token_type: [],
      scope: { a: 1 },
      keys: 'none',
      issuer: false,
      jwks_uri: 7,
      value: 'none',
      '@odata.nextLink': 12,
    }),

  truncated: (rule, reply) => {
    const whole = JSON.stringify(
      rule.body ?? { access_token: 'cut short', keys: [{ kty: 'RSA' }], value: [{ id: 'MC1' }] },
    )
    return reply
      .code(rule.status ?? 200)
      .type('application/json')
      .send(whole.slice(0, whole.length / 2))
  },

  redirect: (rule, reply) => reply.redirect(rule.location ?? 'http://127.0.0.1:9/', rule.status ?? 302),

  aadsts: (rule, reply, now) => {
    const { claims, suberror, status } = rule
    const error = new AadstsError(Number(rule.code), {}, { claims, suberror, status })
    return reply.code(error.status).send(errorBody(error, reportOf(error, now)))
  },

  'graph-error': (rule, reply) =>
    reply.code(rule.status ?? 500).send({
      error: { code: String(rule.code ?? 'UnknownError'), message: 'Injected fault.', innerError: {} },
    }),

  hang: (_rule, reply) => reply.hijack(),

  reset: (_rule, reply) => {
    reply.hijack()
    reply.raw.socket?.resetAndDestroy()
  },

  huge: (rule, reply) =>
    stream(reply, rule, {}, async function* () {
      yield '{"value":"'
      for (let sent = 0; sent < HUGE_MEGABYTES; sent++) yield Buffer.alloc(MEGABYTE, 'x')
      yield '"}'
    }),

  endless: (rule, reply) =>
    stream(reply, rule, {}, async function* (closed) {
      yield '{"value":"'
      while (!closed.aborted) {
        yield 'x'.repeat(64)
        await sleep(DRIP_INTERVAL_MS, undefined, { signal: closed })
      }
    }),

  'gzip-bomb': (rule, reply) =>
    stream(reply, rule, { 'content-encoding': 'gzip' }, async function* () {
      // Members of a gzip stream follow each other (RFC 1952 §2.2): one small member, sent often, makes a gigabyte.
      bombMember ??= gzipSync(Buffer.alloc(8 * MEGABYTE, ' '))
      for (let sent = 0; sent < 128; sent++) yield bombMember
    }),
}

let bombMember: Buffer | undefined

/** Applies a rule. @param now epoch seconds @returns whether the request has been handled */
export async function applyFault(
  rule: FaultRule,
  request: FastifyRequest,
  reply: FastifyReply,
  now: number,
): Promise<boolean> {
  if (rule.delayMs !== undefined) await sleepUnlessClosed(rule.delayMs, reply)
  if (reply.raw.destroyed) {
    reply.hijack()
    return true
  }
  if (rule.kind === 'delay') return false
  if (rule.retryAfter !== undefined) reply.header('retry-after', rule.retryAfter)
  await KINDS[rule.kind](rule, reply, now, request)
  return true
}

async function sleepUnlessClosed(ms: number, reply: FastifyReply): Promise<void> {
  await sleep(ms, undefined, { signal: closing(reply) }).catch(() => {})
}

/** Writes with backpressure until the socket closes. */
function stream(
  reply: FastifyReply,
  rule: FaultRule,
  headers: Record<string, string>,
  chunks: (closed: AbortSignal) => AsyncIterable<string | Buffer>,
): void {
  reply.hijack()
  const { raw } = reply
  const closed = closing(reply)
  raw.writeHead(rule.status ?? 200, { 'content-type': 'application/json', ...headers })
  const write = async () => {
    for await (const chunk of chunks(closed)) {
      if (closed.aborted) return
      if (!raw.write(chunk)) await once(raw, 'drain', { signal: closed })
    }
    raw.end()
  }
  // Fails only when the client disconnects.
  write().catch(() => raw.destroy())
}

function closing(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort())
  return controller.signal
}
