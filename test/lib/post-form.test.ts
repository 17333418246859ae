import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Failure } from '../../src/errors/index.ts'
import { createBoundedClient, TransportError } from '../../src/lib/bounded-client.ts'
import { postForm } from '../../src/lib/post-form.ts'
import { ample, freePort } from '../helper.ts'

function client(t: TestContext) {
  const http = createBoundedClient({
    connectTimeoutMs: 1_000,
    deadlineMs: 2_000,
    maxBodyBytes: 64 * 1024,
    connections: 1,
  })
  t.after(() => http.close())
  return http
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

/** Posts a form to a server that responds with what a test makes of the form. */
async function post(
  t: TestContext,
  form: Readonly<Record<string, string>>,
  respond: (body: string) => { status?: number; body: string; headers?: Record<string, string | string[]> },
) {
  const url = await serve(t, async (request, response) => {
    let sent = ''
    for await (const chunk of request) sent += chunk
    const { status = 400, body, headers = {} } = respond(sent)
    response.writeHead(status, headers).end(body)
  })
  return postForm(client(t), url, { body: new URLSearchParams(form).toString() }, ample())
}

test('a form is posted as it is, with its headers, and status, body and Retry-After come back', async (t) => {
  const seen: { method?: string | undefined; headers?: IncomingHttpHeaders; body?: string } = {}
  const url = await serve(t, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    Object.assign(seen, { method: request.method, headers: request.headers, body })
    response.writeHead(429, { 'retry-after': '17' }).end('{"error":"x"}')
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'client-request-id': 'c' }
  const received = await postForm(client(t), url, { headers, body: 'a=b&c=%20d' }, ample())
  assert.deepEqual(received, { status: 429, body: '{"error":"x"}', retryAfter: '17' })
  assert.equal(seen.method, 'POST')
  assert.equal(seen.body, 'a=b&c=%20d')
  assert.equal(seen.headers?.['content-type'], 'application/x-www-form-urlencoded')
  assert.equal(seen.headers?.['client-request-id'], 'c')
})

test('without Retry-After there is none', async (t) => {
  assert.equal((await post(t, {}, () => ({ body: '' }))).retryAfter, undefined)
})

test('two different Retry-After are none', async (t) => {
  const { retryAfter } = await post(t, {}, () => ({ body: '', headers: { 'retry-after': ['1', '2'] } }))
  assert.equal(retryAfter, undefined)
})

test('nobody there is an Entra that is unavailable, and the cause says why', async (t) => {
  await assert.rejects(
    postForm(client(t), `http://127.0.0.1:${await freePort()}/`, { body: 'a=b' }, ample()),
    (error: Failure) => error.reason === 'exchange_unavailable' && error.cause instanceof TransportError,
  )
})

const secret = 'Zq8Q~very-secret.value_of-the-app'

for (const name of ['assertion', 'client_assertion', 'client_secret', 'code', 'code_verifier', 'refresh_token']) {
  for (const status of [400, 401, 500, 503]) {
    test(`a ${status} that repeats the ${name} brings none of it back`, async (t) => {
      const { body } = await post(t, { [name]: secret, grant_type: 'x' }, () => ({
        status,
        body: JSON.stringify({ error_description: `The ${name} ${secret} is bad, as in ${secret}.` }),
      }))
      assert.ok(!body.includes(secret))
      assert.match(body, /The \w+ \[withheld\] is bad, as in \[withheld\]\./)
    })
  }
}

for (const name of ['assertion', 'client_assertion', 'client_secret', 'code', 'code_verifier']) {
  test(`a 200 that repeats the ${name} brings none of it back either`, async (t) => {
    const { body } = await post(t, { [name]: secret }, () => ({ status: 200, body: `{"note":"${secret}"}` }))
    assert.equal(body, '{"note":"[withheld]"}')
  })
}

test('a refresh token that goes on being good comes back whole in a 200', async (t) => {
  const body = JSON.stringify({ access_token: 'a', refresh_token: secret })
  assert.equal((await post(t, { refresh_token: secret }, () => ({ status: 200, body }))).body, body)
})

test('several secrets of one form are all withheld, and the rest is left', async (t) => {
  const form = { client_secret: secret, code: `1.${'c'.repeat(40)}`, code_verifier: 'v'.repeat(43), scope: 'openid' }
  const { body } = await post(t, form, () => ({ body: Object.values(form).join('\n') }))
  assert.equal(body, '[withheld]\n[withheld]\n[withheld]\nopenid')
})

test('a form that is repeated as it was sent shows none of its secrets, in its own spelling neither', async (t) => {
  const form = { client_secret: secret, code: '1.AX/+code=of the user', refresh_token: `0.${secret}` }
  const { body } = await post(t, form, (sent) => ({ status: 502, body: `<html>POST /token ${sent}</html>` }))
  for (const spelled of new URLSearchParams(form).toString().split('&')) {
    const [, value = ''] = spelled.split('=')
    assert.ok(!body.includes(value), `${value} is in ${body}`)
  }
})

test('what is too short to be a credential is left, lest other text be torn', async (t) => {
  const { body } = await post(t, { client_secret: 'invalid_request', code: 'e' }, () => ({
    body: '{"error":"invalid_request"}',
  }))
  assert.equal(body, '{"error":"invalid_request"}')
})

test('what is no credential stays in the response', async (t) => {
  const form = { client_id: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee', scope: 'openid profile offline_access' }
  const { body } = await post(t, form, () => ({ body: JSON.stringify(form) }))
  assert.equal(body, JSON.stringify(form))
})
