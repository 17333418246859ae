import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureText, type Reason } from '../../../src/errors/index.ts'
import { type BoundedResponse, TransportError } from '../../../src/lib/bounded-client.ts'
import { graphFailure, graphTransportFailure, retryAfterOf } from '../../../src/plugins/graph-client/failures.ts'

const response = (status: number, more: Partial<BoundedResponse> = {}): BoundedResponse => ({
  status,
  headers: { 'request-id': 'graph-1', ...more.headers },
  body: more.body ?? JSON.stringify({ error: { code: 'SomeCode', message: 'Some words.' } }),
})

const statuses: readonly [status: number, reason: Reason][] = [
  [400, 'graph_bad_request'],
  [401, 'graph_token_rejected'],
  [403, 'graph_forbidden'],
  [404, 'graph_not_found'],
  [429, 'graph_throttled'],
  [500, 'graph_unavailable'],
  [502, 'graph_unavailable'],
  [599, 'graph_unavailable'],
  [204, 'graph_response_invalid'],
  [302, 'graph_response_invalid'],
  [410, 'graph_response_invalid'],
]
for (const [status, reason] of statuses) {
  test(`${status} is ${reason}, with Graph's request id and what it wrote for the log`, () => {
    const { details, ...failure } = graphFailure(response(status))
    assert.equal(failure.reason, reason)
    assert.equal(details.graphRequestId, 'graph-1')
    assert.deepEqual(details.cause, { status, code: 'SomeCode', message: 'Some words.' })
  })
}

for (const [kind, reason] of [
  ['timeout', 'graph_timeout'],
  ['cancelled', 'call_cancelled'],
  ['too_large', 'graph_response_too_large'],
  ['unreachable', 'graph_unavailable'],
] as const) {
  test(`a call that ends as ${kind} is ${reason}`, () => {
    const error = new TransportError(kind, new Error('inner'))
    const failure = graphTransportFailure(error)
    assert.equal(failure.reason, reason)
    assert.equal(failure.cause, error)
  })
}

test('only what Graph says of a query is shown, on one line and not at length', () => {
  for (const [status] of statuses) {
    const body = JSON.stringify({ error: { code: 'x', message: `Bad\r\n  thing.${' more'.repeat(200)}` } })
    const { detail } = graphFailure(response(status, { body })).details
    if (status !== 400) assert.equal(detail, undefined)
    else assert.match(detail ?? '', /^Graph: Bad thing\. more( more)*( mor?)?$/)
    assert.ok((detail ?? '').length < 320)
  }
})

for (const body of [
  '',
  'null',
  '7',
  '[]',
  '<html>',
  '{"error":',
  '{"error":null}',
  '{"error":{"code":7,"message":[]}}',
]) {
  test(`the body ${JSON.stringify(body)} adds nothing`, () => {
    const { details } = graphFailure(response(400, { body }))
    assert.deepEqual(details, { cause: { status: 400 }, graphRequestId: 'graph-1' })
  })
}

/** `text` as Graph's services hand it on: JSON in JSON, so many layers deep. */
const wrapped = (text: string, layers: number): string =>
  layers === 0 ? text : JSON.stringify({ code: 'forbidden', message: wrapped(text, layers - 1) })
const errorBody = (message: unknown) => JSON.stringify({ error: { code: 'UnknownError', message } })

const gone = "Resource doesn't exist for the tenant. ActivityId: 4f2d"
const messages403: readonly [name: string, message: unknown, reason: Reason][] = [
  ['the plain words', gone, 'graph_not_found'],
  [
    'the words two layers deep, the last one under "error"',
    JSON.stringify({ code: 'forbidden', message: JSON.stringify({ error: gone }) }),
    'graph_not_found',
  ],
  ...[1, 2, 3, 4, 7].map((layers): [string, unknown, Reason] => [
    `the words ${layers} layers deep`,
    wrapped(gone, layers),
    'graph_not_found',
  ]),
  ['an object instead of a text', { error: { Message: gone } }, 'graph_not_found'],
  ['other case', 'RESOURCE DOES NOT EXIST FOR THE TENANT', 'graph_not_found'],
  ['other words around', 'The message MC1 did not\n exist  for the\ttenant, sorry', 'graph_not_found'],
  ['a layer that is cut short', `{"code":"forbidden","message":"${gone}`, 'graph_not_found'],
  ['names in capitals', JSON.stringify({ Code: 'x', Message: JSON.stringify({ Error: gone }) }), 'graph_not_found'],
  ['no role', 'User is not in the allowed roles', 'graph_forbidden'],
  ['no role, wrapped', wrapped('Access denied', 2), 'graph_forbidden'],
  ['another thing that does not exist', 'The role does not exist for the user of this tenant', 'graph_forbidden'],
  ['nothing', '', 'graph_forbidden'],
  ['no text', null, 'graph_forbidden'],
]
for (const [name, message, reason] of messages403) {
  test(`a 403 with ${name} is ${reason}`, () => {
    assert.equal(graphFailure(response(403, { body: errorBody(message) })).reason, reason)
  })
}

test('a 403 whose body is none of Graph’s errors is about the user', () => {
  for (const body of ['', gone, '<html>', `{"other":${JSON.stringify(gone)}}`]) {
    assert.equal(graphFailure(response(403, { body })).reason, 'graph_forbidden')
  }
})

test('a post that is not there says that posts expire, and what to do instead', () => {
  for (const failure of [graphFailure(response(403, { body: errorBody(gone) })), graphFailure(response(404))]) {
    assert.match(failureText(failure), /expire.*getMessages/)
    assert.doesNotMatch(failureText(failure), /[Aa]dministrator|role|ActivityId/)
  }
})

const layered: readonly [message: unknown, shown: string][] = [
  [wrapped('Bad thing.', 1), 'Bad thing.'],
  [wrapped('Bad thing.', 4), 'Bad thing.'],
  [JSON.stringify('Bad "thing".'), 'Bad "thing".'],
  [JSON.stringify({ error: { code: 'x', message: 'Bad thing.' } }), 'Bad thing.'],
  ['{"message":"cut', '{"message":"cut'],
  ['{"unknown":"Bad thing."}', '{"unknown":"Bad thing."}'],
  ['{a} is bad', '{a} is bad'],
  ['[1]', '[1]'],
]
for (const [message, shown] of layered) {
  test(`${JSON.stringify(message)} is shown as ${shown}`, () => {
    assert.equal(graphFailure(response(400, { body: errorBody(message) })).details.detail, `Graph: ${shown}`)
  })
}

test('more layers than anybody has are left as they are', () => {
  const text = JSON.stringify({ message: wrapped('deep', 11) })
  assert.match(graphFailure(response(400, { body: errorBody(text) })).details.detail ?? '', /^Graph: \{/)
})

const claims = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
const encoded = Buffer.from(claims).toString('base64')
const challenges: readonly [name: string, header: string | string[] | undefined, claims: string | undefined][] = [
  ['claims', `Bearer realm="", error="insufficient_claims", claims="${encoded}"`, claims],
  ['claims in base64url without padding', `Bearer claims="${Buffer.from(claims).toString('base64url')}"`, claims],
  ['claims in the second of two headers', ['Bearer realm=""', `Bearer claims="${encoded}"`], claims],
  ['no claims', 'Bearer realm="", error="invalid_token"', undefined],
  ['empty claims', 'Bearer claims=""', undefined],
  ['another parameter that ends in claims', `Bearer xclaims="${encoded}"`, undefined],
  ['claims that are no base64', 'Bearer claims="{a}"', undefined],
  ['no challenge', undefined, undefined],
]
for (const [name, header, expected] of challenges) {
  test(`a 401 with ${name} ${expected ? 'asks for a new sign-in with them' : 'is a bad token'}`, () => {
    const { reason, details } = graphFailure(response(401, { headers: { 'www-authenticate': header } }))
    assert.equal(reason, expected ? 'graph_claims_required' : 'graph_token_rejected')
    assert.equal(details.claims, expected)
  })
}

test('a 429 says how long to wait, and ten seconds where it does not say', () => {
  const wait = (value: string | undefined) =>
    graphFailure(response(429, { headers: { 'retry-after': value } })).details.retryAfterSeconds
  assert.equal(wait('17'), 17)
  assert.equal(wait(undefined), 10)
  assert.equal(wait('soon'), 10)
  assert.equal(wait('99999999'), 3600)
})

for (const [value, seconds, text] of [
  ['30', 30, 'Microsoft Graph is unavailable. Try again in 30 s. (Graph request id graph-1)'],
  [undefined, undefined, 'Microsoft Graph is unavailable. Try again. (Graph request id graph-1)'],
  ['soon', undefined, 'Microsoft Graph is unavailable. Try again. (Graph request id graph-1)'],
  ['0', undefined, 'Microsoft Graph is unavailable. Try again. (Graph request id graph-1)'],
] as const) {
  test(`a 503 with ${value ?? 'no'} Retry-After tells ${seconds === undefined ? 'no time' : `${seconds} seconds`}`, () => {
    const failure = graphFailure(response(503, { headers: { 'retry-after': value } }))
    assert.equal(failure.details.retryAfterSeconds, seconds)
    assert.equal(failureText(failure), text)
  })
}

test('only a 429 and a 5xx pass a wait on', () => {
  const told = statuses
    .map(([status]) => status)
    .filter((status) => graphFailure(response(status, { headers: { 'retry-after': '7' } })).details.retryAfterSeconds)
  assert.deepEqual(told, [429, 500, 502, 599])
})

test('of a header that came twice the first counts', () => {
  assert.equal(retryAfterOf(response(429, { headers: { 'retry-after': ['3', '9'] } })), 3)
  assert.equal(graphFailure(response(404, { headers: { 'request-id': ['a', 'b'] } })).details.graphRequestId, 'a')
})

test('a request id is cut to a length that fits a line', () => {
  const { graphRequestId } = graphFailure(response(404, { headers: { 'request-id': 'x'.repeat(5_000) } })).details
  assert.equal(graphRequestId?.length, 64)
})

test('without a request id none is named', () => {
  assert.equal('graphRequestId' in graphFailure(response(404, { headers: { 'request-id': undefined } })).details, false)
})
