import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GraphSession } from '../../src/plugins/graph-client/index.ts'
import { getServiceHealth } from '../../src/tools/get-service-health.ts'
import { userOf } from './helper.ts'

const services = [
  { service: 'Microsoft Teams', status: 'serviceOperational' },
  { service: 'Exchange Online', status: 'serviceDegradation' },
  { service: 'SharePoint Online', status: 'serviceOperational' },
]
const mail = {
  id: 'EX1',
  title: 'Mail is late',
  service: 'Exchange Online',
  feature: 'E-Mail',
  status: 'serviceDegradation',
  classification: 'incident',
  isResolved: false,
  startDateTime: '2026-11-20T08:00:00Z',
  lastModifiedDateTime: '2026-11-20T12:00:00Z',
  impactDescription: 'Mail waits.',
  posts: [
    {
      createdDateTime: '2026-11-20T12:00:00Z',
      description: { contentType: 'html', content: '<p>We&#39;re <b>rerouting</b></p><p>Next update: 1 PM</p>' },
    },
  ],
}
const resolved = {
  id: 'SP1',
  service: 'SharePoint Online',
  isResolved: true,
  lastModifiedDateTime: '2026-11-21T00:00:00Z',
}

/** A user of a tenant with these issues. */
function userWith(issues: readonly object[] = [mail, resolved]) {
  const session: GraphSession = {
    get: async (path) => ({ value: path.endsWith('/issues') ? issues : services }),
    post: () => assert.fail('nothing is written'),
    nextQuery: () => assert.fail('there is one page'),
  }
  return userOf([], session)
}

const shownMail = {
  id: 'EX1',
  url: 'https://admin.microsoft.com/#/servicehealth/:/alerts/EX1',
  isResolved: false,
  title: 'Mail is late',
  service: 'Exchange Online',
  feature: 'E-Mail',
  status: 'serviceDegradation',
  classification: 'incident',
  start: '2026-11-20T08:00:00Z',
  modified: '2026-11-20T12:00:00Z',
  impact: 'Mail waits.',
  lastPost: { at: '2026-11-20T12:00:00Z', text: "We're rerouting\n\nNext update: 1 PM" },
}
const idsOf = (result: Record<string, unknown>) => (result['issues'] as { id: string }[]).map(({ id }) => id)

test('services come with those that are not operational first, and active issues with their last report as text', async () => {
  const { call } = userWith()
  assert.deepEqual(await call(getServiceHealth), {
    health: [
      { service: 'Exchange Online', status: 'serviceDegradation', activeIssues: 1 },
      { service: 'Microsoft Teams', status: 'serviceOperational', activeIssues: 0 },
      { service: 'SharePoint Online', status: 'serviceOperational', activeIssues: 0 },
    ],
    issues: [shownMail],
  })
})

test('activeOnly false has resolved issues too, most recently changed first', async () => {
  const { call } = userWith()
  const result = await call(getServiceHealth, { activeOnly: false })
  assert.deepEqual(idsOf(result), ['SP1', 'EX1'])
  assert.equal((result['health'] as { activeIssues: number }[]).at(-1)?.activeIssues, 0)
})

test('services narrow both, by part of a name in any case', async () => {
  const { call } = userWith()
  const names = (result: Record<string, unknown>) =>
    (result['health'] as { service: string }[]).map((one) => one.service)
  const exchange = await call(getServiceHealth, { services: [' exchange '] })
  assert.deepEqual([names(exchange), idsOf(exchange)], [['Exchange Online'], ['EX1']])
  const both = await call(getServiceHealth, { services: ['TEAMS', 'Share'] })
  assert.deepEqual([names(both), idsOf(both)], [['Microsoft Teams', 'SharePoint Online'], []])
  assert.ok(!('note' in both))
})

test('a name that no service has is answered with the names that there are', async () => {
  const { call } = userWith()
  const result = await call(getServiceHealth, { services: ['Outlook'] })
  assert.deepEqual([result['health'], result['issues']], [[], []])
  assert.match(String(result['note']), /Microsoft Teams, Exchange Online, SharePoint Online/)
})

test('a long report ends with an ellipsis; one that is text stays as it is', async () => {
  const description = { contentType: 'text', content: `<b>${'x'.repeat(2_000)}` }
  const { call } = userWith([{ ...mail, posts: [{ createdDateTime: '2026-11-20T12:00:00Z', description }] }])
  const { issues } = (await call(getServiceHealth)) as { issues: { lastPost: { text: string } }[] }
  const text = issues[0]?.lastPost.text ?? ''
  assert.deepEqual([text.length, text.slice(0, 4), text.at(-1)], [1_500, '<b>x', '…'])
})

test('more issues than an overview has room for are counted', async () => {
  const { call } = userWith(Array.from({ length: 53 }, (_, i) => ({ ...mail, id: `EX${i}` })))
  const result = await call(getServiceHealth)
  assert.equal(idsOf(result).length, 50)
  assert.match(String(result['note']), /^3 more issues/)
})

test('within two minutes it is answered from memory, unless fresh is asked for', async () => {
  const { call, advance } = userWith()
  await call(getServiceHealth)
  advance(60_000)
  assert.equal((await call(getServiceHealth))['ageSeconds'], 60)
  assert.ok(!('ageSeconds' in (await call(getServiceHealth, { fresh: true }))))
})

for (const args of [{ services: [] }, { services: [''] }, { activeOnly: 'yes' }, { service: ['Teams'] }]) {
  test(`${JSON.stringify(args)} is rejected`, async () => {
    await assert.rejects(userWith().call(getServiceHealth, args), { reason: 'invalid_input' })
  })
}
