import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import {
  answers,
  Failure,
  failureText,
  httpAnswer,
  jsonRpcError,
  oauthError,
  type Reason,
  toFailure,
} from '../src/errors/index.ts'

const reasons = Object.keys(answers) as Reason[]
const httpStatuses = new Set([400, 401, 403, 404, 405, 406, 408, 413, 415, 429, 431, 499, 500, 503])

for (const reason of reasons) {
  const answer = answers[reason]
  test(`${reason} has a sentence for a person and a place on the wire`, () => {
    assert.match(answer.text, /^[A-Z][\x20-\x7e]{10,400}\.\)?$/)
    if (answer.as === 'tool') assert.equal(typeof answer.retryable, 'boolean')
    else assert.ok(httpStatuses.has(answer.status), `status ${answer.status}`)
  })
}

test('a Bearer error goes with the status that RFC 6750 gives it', () => {
  const statuses = { invalid_request: 400, invalid_token: 401, insufficient_claims: 401, insufficient_scope: 403 }
  for (const reason of reasons) {
    const answer = answers[reason]
    if (answer.as === 'http' && 'oauth' in answer) assert.equal(answer.status, statuses[answer.oauth], reason)
  }
})

test('a request without a token is challenged without an error', () => {
  assert.equal('oauth' in answers.missing_token, false)
})

test("only passing trouble of Graph's is worth the same call again", () => {
  const retryable = reasons.filter((reason) => {
    const answer = answers[reason]
    return answer.as === 'tool' && answer.retryable
  })
  assert.deepEqual(retryable, [
    'graph_throttled',
    'graph_quota_exceeded',
    'graph_unavailable',
    'graph_timeout',
    'graph_answer_invalid',
  ])
})

test('what the operator has to mend is never a 401, for clients would sign in for ever', () => {
  for (const reason of ['credential_refused', 'exchange_misconfigured', 'exchange_unavailable'] as const) {
    assert.ok(httpAnswer(new Failure(reason)).status >= 500, reason)
  }
})

for (const reason of reasons) {
  const { status } = httpAnswer(new Failure(reason))
  test(`an HTTP answer of ${reason} ${status >= 500 ? 'keeps the reason to itself' : 'names the reason'}`, () => {
    const { error } = jsonRpcError(new Failure(reason, { cause: new Error('inner zq7mark') }), 'request-1', 7)
    assert.equal(error.data.reason, status >= 500 ? undefined : reason)
    assert.equal(error.data.requestId, 'request-1')
    assert.doesNotMatch(JSON.stringify(error), /zq7mark/)
  })
}

test('a reason meant for a tool result is a 500 where it ends as an HTTP answer', () => {
  assert.equal(httpAnswer(new Failure('graph_forbidden')).status, 500)
})

for (const [reason, code] of [
  ['invalid_json', -32700],
  ['batch_refused', -32600],
  ['bad_request', -32600],
  ['internal', -32603],
  ['missing_token', -32000],
  ['rate_limited', -32000],
] as const) {
  test(`${reason} is JSON-RPC error ${code}`, () => {
    assert.equal(jsonRpcError(new Failure(reason), 'r').error.code, code)
  })
}

test('a JSON-RPC error answers the id it was asked with, and null where there was none', () => {
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r', 'seven').id, 'seven')
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r', 0).id, 0)
  assert.equal(jsonRpcError(new Failure('bad_request'), 'r').id, null)
})

test('a wait is told to programs too', () => {
  const { error } = jsonRpcError(new Failure('rate_limited', { retryAfterSeconds: 12 }), 'r')
  assert.equal(error.data.retryAfterSeconds, 12)
  assert.equal('retryAfterSeconds' in jsonRpcError(new Failure('rate_limited'), 'r').error.data, false)
})

test('who is told to come again later is told when', () => {
  const passing = reasons.filter((reason) => {
    const answer = answers[reason]
    return answer.as === 'http' && answer.status === 503
  })
  assert.ok(passing.includes('exchange_unavailable') && passing.includes('keys_unavailable'))
  for (const reason of passing) {
    const failure = new Failure(reason)
    assert.ok((failure.details.retryAfterSeconds ?? 0) >= 1, reason)
    assert.match(failureText(failure), /Try again in \d+ s\./)
    assert.equal(new Failure(reason, { retryAfterSeconds: 30 }).details.retryAfterSeconds, 30)
  }
})

test('only a 503 says by itself when to come again', () => {
  for (const reason of reasons) {
    const isPassing = httpAnswer(new Failure(reason)).status === 503 && answers[reason].as === 'http'
    assert.equal(new Failure(reason).details.retryAfterSeconds !== undefined, isPassing, reason)
  }
})

for (const [reason, status, error] of [
  ['code_used', 400, 'invalid_grant'],
  ['client_unknown', 401, 'invalid_client'],
  ['rate_limited', 429, 'too_many_requests'],
  ['exchange_unavailable', 503, 'temporarily_unavailable'],
  ['internal', 500, 'server_error'],
  ['body_too_large', 413, 'invalid_request'],
] as const) {
  test(`${reason} is the OAuth error ${error}`, () => {
    const answer = oauthError(new Failure(reason))
    assert.deepEqual([answer.status, answer.body.error], [status, error])
  })
}

test('an OAuth description has none of the characters that RFC 6749 rules out', () => {
  const { body } = oauthError(new Failure('scope_refused', { detail: 'It is "\\é\n" here.' }))
  assert.match(body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
})

test('a wait that somebody named is told from the usual one, be they as long', () => {
  const usual = new Failure('exchange_unavailable')
  const named = new Failure('exchange_unavailable', { retryAfterSeconds: 2 })
  assert.deepEqual(usual.details, named.details)
  assert.deepEqual([usual.namedWaitSeconds, named.namedWaitSeconds], [undefined, 2])
})

test('the text says all that a caller may know, on one line', () => {
  const text = failureText(
    new Failure('graph_throttled', {
      detail: 'It said: slow down.',
      retryAfterSeconds: 0,
      link: 'https://consent.example/',
      graphRequestId: 'g-1',
      claims: '{"secret":1}',
      cause: new Error('inner'),
    }),
  )
  assert.equal(
    text,
    'Microsoft Graph limits requests at the moment. It said: slow down. Try again in 0 s. https://consent.example/ (Graph request id g-1)',
  )
})

test('where nobody said how long to wait, the text is whether to try again, once', () => {
  const again = (details = {}) => failureText(new Failure('graph_timeout', details))
  assert.equal(again(), 'Microsoft Graph took too long to answer. Try again, or ask for less.')
  assert.equal(again({ retryAfterSeconds: 9 }), 'Microsoft Graph took too long to answer. Try again in 9 s.')
})

test('the text of a bare failure is its sentence', () => {
  assert.equal(failureText(new Failure('expired')), answers.expired.text)
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
  ['that the schema refuses', { 'content-type': 'application/json' }, '{"a":"x"}', 'bad_request'],
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
