import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { catalogue, Failure, failureText, httpError, type Reason, toFailure } from '../../src/errors/index.ts'

const reasons = Object.keys(catalogue) as Reason[]

test('every 503 says when to retry', () => {
  const temporary = reasons.filter((reason) => {
    const entry = catalogue[reason]
    return entry.kind === 'http' && entry.status === 503
  })
  assert.ok(temporary.includes('exchange_unavailable') && temporary.includes('keys_unavailable'))
  for (const reason of temporary) {
    const failure = new Failure(reason)
    assert.ok((failure.details.retryAfterSeconds ?? 0) >= 1, reason)
    assert.match(failureText(failure), /Try again in \d+ s\./)
    assert.equal(new Failure(reason, { retryAfterSeconds: 30 }).details.retryAfterSeconds, 30)
  }
})

test('only a 503 has a default for when to retry', () => {
  for (const reason of reasons) {
    const isTemporary = httpError(new Failure(reason)).status === 503 && catalogue[reason].kind === 'http'
    assert.equal(new Failure(reason).details.retryAfterSeconds !== undefined, isTemporary, reason)
  }
})

test('a wait that the upstream named is distinguished from the default, be they as long', () => {
  const usual = new Failure('exchange_unavailable')
  const named = new Failure('exchange_unavailable', { retryAfterSeconds: 2 })
  assert.deepEqual(usual.details, named.details)
  assert.deepEqual([usual.namedWaitSeconds, named.namedWaitSeconds], [undefined, 2])
})

test('the text has all that a caller may know, on one line', () => {
  const text = failureText(
    new Failure('graph_throttled', {
      detail: 'Graph: slow down.',
      retryAfterSeconds: 0,
      link: 'https://consent.example/',
      graphRequestId: 'g-1',
      claims: '{"secret":1}',
      cause: new Error('inner'),
    }),
  )
  assert.equal(
    text,
    'Microsoft Graph throttles requests. Graph: slow down. Try again in 0 s. https://consent.example/ (Graph request id g-1)',
  )
})

test('without a known wait the text says whether to try again, once', () => {
  const again = (details = {}) => failureText(new Failure('graph_timeout', details))
  assert.equal(again(), 'Microsoft Graph timed out. Try again, or ask for less.')
  assert.equal(again({ retryAfterSeconds: 9 }), 'Microsoft Graph timed out. Try again in 9 s.')
})

test('the text names the parameter that it is about', () => {
  const failure = new Failure('parameter_missing', { parameter: 'code' })
  assert.equal(failureText(failure), 'Missing required parameter: code.')
})

test('the text of a bare failure is its sentence', () => {
  assert.equal(failureText(new Failure('expired')), catalogue.expired.text)
})

test('a failure keeps its cause for the log and has its detail or reason as message', () => {
  const cause = new Error('inner')
  assert.equal(new Failure('internal', { cause }).cause, cause)
  assert.equal(new Failure('internal').message, 'internal')
  assert.equal('cause' in new Failure('internal'), false)
  assert.equal(new Failure('internal', { detail: 'so' }).message, 'so')
})

test('a failure passes as it is', () => {
  const failure = new Failure('expired')
  assert.equal(toFailure(failure), failure)
})

const thrown: readonly [name: string, value: unknown, reason: Reason][] = [
  ['an error', new TypeError('x'), 'internal'],
  ['null', null, 'internal'],
  ['undefined', undefined, 'internal'],
  ['a text', 'x', 'internal'],
  ['an error with a code of no known kind', Object.assign(new Error(), { code: 'ECONNRESET' }), 'internal'],
  ['an error whose code is a word of every object', Object.assign(new Error(), { code: 'constructor' }), 'internal'],
  ['an error of the caller', Object.assign(new Error(), { statusCode: 422 }), 'bad_request'],
  ['a bad request', Object.assign(new Error(), { statusCode: 400 }), 'bad_request'],
  ['an error that claims to be a success', Object.assign(new Error(), { statusCode: 200 }), 'internal'],
  ['an error of the server', Object.assign(new Error(), { statusCode: 502 }), 'internal'],
  ['a status that is a text', { statusCode: '404' }, 'internal'],
]
for (const [name, value, reason] of thrown) {
  test(`${name} that was thrown is ${reason}`, () => {
    const failure = toFailure(value)
    assert.equal(failure.reason, reason)
    assert.equal(failure.cause, value)
  })
}

const bodies: readonly [name: string, headers: Record<string, string>, payload: string, reason: Reason][] = [
  ['too large', { 'content-type': 'application/json' }, JSON.stringify('x'.repeat(200)), 'body_too_large'],
  ['of another type', { 'content-type': 'text/xml' }, '<a/>', 'media_type_unsupported'],
  ['that is no JSON', { 'content-type': 'application/json' }, '{', 'invalid_json'],
  ['that is empty', { 'content-type': 'application/json' }, '', 'invalid_json'],
  ['of another length', { 'content-type': 'application/json', 'content-length': '3' }, '{"a":1}', 'bad_request'],
  ['that the schema rejects', { 'content-type': 'application/json' }, '{"a":"x"}', 'bad_request'],
]
for (const [name, headers, payload, reason] of bodies) {
  test(`a body ${name} is ${reason} as Fastify throws it`, async (t) => {
    const app = Fastify({ bodyLimit: 100 })
    t.after(() => app.close())
    let seen: Reason | undefined
    app.setErrorHandler((error, _request, reply) => {
      seen = toFailure(error).reason
      return reply.send('')
    })
    app.post('/', { schema: { body: { type: 'object', properties: { a: { type: 'number' } } } } }, () => '')
    await app.inject({ method: 'POST', url: '/', headers, payload })
    assert.equal(seen, reason)
  })
}
