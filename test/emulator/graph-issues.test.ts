import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { issueRoutes } from '../../emulator/graph/issues.ts'
import { setUpGraph } from '../../emulator/graph/setup.ts'
import { bearer, origin, tenant } from './graph-app.ts'

const scopes = ['ServiceHealth.Read.All']
const reader = bearer('ada', ['Service Support Administrator'], scopes)
const startedAt = Date.parse('2026-11-29T15:30:00Z')

async function build(t: TestContext) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(
    async (scope) => {
      setUpGraph(scope, tenant)
      await scope.register(issueRoutes, { tenant, startedAt })
    },
    { prefix: '/v1.0' },
  )
  return (path: string, authorization = reader, headers = {}) =>
    app.inject({ url: `/v1.0/admin/serviceAnnouncement/${path}`, headers: { authorization, ...headers } })
}

test('a service is as its issues are', async (t) => {
  const get = await build(t)
  const { value } = (await get('healthOverviews')).json()
  const statuses = Object.fromEntries(
    value.map(({ service, status }: { service: string; status: string }) => [service, status]),
  )
  assert.equal(statuses['Microsoft Teams'], 'serviceDegradation')
  assert.equal(statuses['SharePoint Online'], 'serviceOperational')
})

test('issues are those of the days before, with their posts', async (t) => {
  const get = await build(t)
  const { value } = (await get('issues')).json()
  const [teams] = value
  assert.equal(teams.startDateTime, '2026-11-28T15:00:00Z')
  assert.equal(teams.lastModifiedDateTime, '2026-11-28T22:00:00Z')
  assert.match(teams.posts[0].description.content, /rerouting/)
})

test('issues are paged, and filtered by isResolved alone', async (t) => {
  const get = await build(t)
  const page = (await get('issues', reader, { prefer: 'odata.maxpagesize=2' })).json()
  assert.deepEqual(
    [page.value.length, page['@odata.nextLink']],
    [2, `${origin}/v1.0/admin/serviceAnnouncement/issues?$skip=2`],
  )
  assert.equal((await get('issues?$filter=isResolved eq false')).json().value.length, 2)
  assert.equal((await get('issues?$filter=isResolved eq true')).json().value.length, 1)
  assert.equal((await get("issues?$filter=service eq 'x'")).statusCode, 400)
})

for (const [what, authorization] of [
  ['another permission', bearer('ada', ['Global Administrator'], ['ServiceMessage.Read.All'])],
  ['another role', bearer('ada', ['Message Center Reader'], scopes)],
] as const) {
  test(`${what} does not suffice`, async (t) => {
    const get = await build(t)
    for (const path of ['issues', 'healthOverviews']) assert.equal((await get(path, authorization)).statusCode, 403)
  })
}
