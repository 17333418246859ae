import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import type { RoadmapItem } from '../../src/plugins/roadmap/item.ts'
import { getRoadmapItems } from '../../src/tools/get-roadmap-items.ts'
import { message } from '../plugins/message-center/graph-double.ts'
import { userOf } from './helper.ts'

const id = 'MC1234567'
const withDetails = (...details: { name: string; value: string }[]) => message(1, { id, details })
const named = withDetails({ name: 'RoadmapIds', value: '478649, 485747' })

/** A roadmap that has all ids but 9; what it is asked for is recorded. */
function feed() {
  const asked: string[] = []
  const readItems = async (ids: readonly string[]) => {
    asked.push(ids.join(' '))
    const items = ids.filter((id) => id !== '9').map((id): [string, RoadmapItem] => [id, { id, url: `x://${id}` }])
    return new Map(items)
  }
  return { asked, readItems }
}

const idsOf = (result: Record<string, unknown>) => (result['items'] as RoadmapItem[]).map((item) => item.id)

test('items are read by their ids, without a call to Graph', async () => {
  const { readItems } = feed()
  const { call, graph } = userOf([named], undefined, readItems)
  assert.deepEqual(await call(getRoadmapItems, { ids: ['478649', '9'] }), {
    items: [{ id: '478649', url: 'x://478649' }],
    notFound: ['9'],
  })
  assert.deepEqual(graph.asked, [])
})

test('the items of a message are those that it names, read from its listing alone', async () => {
  const { readItems } = feed()
  const { call, graph } = userOf([named], undefined, readItems)
  assert.deepEqual(idsOf(await call(getRoadmapItems, { messageId: id })), ['478649', '485747'])
  assert.deepEqual(graph.asked, ['listing'])
})

test('ids and those of a message together are each read once', async () => {
  const { readItems, asked } = feed()
  const { call } = userOf([named], undefined, readItems)
  assert.deepEqual(idsOf(await call(getRoadmapItems, { messageId: id, ids: ['485747', '7'] })), [
    '485747',
    '7',
    '478649',
  ])
  assert.deepEqual(asked, ['485747 7 478649'])
})

test('ids of the feature status count too; what is no id does not', async () => {
  const status = JSON.stringify({ 478700: [{ Platform: 'Web', Status: 'Launched' }] })
  const post = withDetails(
    { name: 'RoadmapIds', value: '478649, n/a, 0123, 12345678901' },
    { name: 'FeatureStatusJson', value: status },
  )
  const { readItems } = feed()
  const { call } = userOf([post], undefined, readItems)
  assert.deepEqual(idsOf(await call(getRoadmapItems, { messageId: id })), ['478649', '478700'])
})

test('a message that names its items in its text alone names them', async () => {
  const content = '<p>This is associated with Microsoft 365 <b>Roadmap ID</b> 478649, 485747 and is rolling out.</p>'
  const { readItems } = feed()
  const { call, graph } = userOf([message(1, { id, body: { contentType: 'html', content } })], undefined, readItems)
  assert.deepEqual(idsOf(await call(getRoadmapItems, { messageId: id })), ['478649', '485747'])
  assert.deepEqual(graph.asked, ['listing', 'bodies'])
})

test('a message that names none says so, and asks the roadmap for nothing', async () => {
  const { call } = userOf([withDetails()])
  assert.deepEqual(await call(getRoadmapItems, { messageId: id }), {
    items: [],
    notFound: [],
    note: `${id} names no roadmap item.`,
  })
})

test('a message that is not there is not found', async () => {
  const { call } = userOf([named])
  await assert.rejects(call(getRoadmapItems, { messageId: 'MC9' }), { reason: 'graph_not_found' })
})

for (const args of [
  {},
  { ids: [] },
  { ids: ['MC1'] },
  { ids: ['0478649'] },
  { ids: ['4786491234'] },
  { ids: ['1)'] },
  { ids: Array.from({ length: 51 }, (_, i) => String(i + 1)) },
  { messageId: '478649' },
]) {
  test(`${JSON.stringify(args).slice(0, 60)} is rejected before anything is read`, async () => {
    const { call, graph } = userOf([named])
    await assert.rejects(call(getRoadmapItems, args), { reason: 'invalid_input' })
    assert.deepEqual(graph.asked, [])
  })
}

test('what was read before says so where the roadmap fails, and what was not is named', async () => {
  const { readItems } = feed()
  let fails = false
  const { call, advance } = userOf([named], undefined, async (ids) => {
    if (fails) throw new Failure('roadmap_unavailable')
    return readItems(ids)
  })
  await call(getRoadmapItems, { ids: ['478649'] })
  fails = true
  advance(2 * 60 * 60_000)
  assert.deepEqual(await call(getRoadmapItems, { ids: ['478649', '7'] }), {
    items: [{ id: '478649', url: 'x://478649' }],
    notFound: [],
    unavailable: ['7'],
    ageSeconds: 7200,
    stale: true,
  })
  await assert.rejects(call(getRoadmapItems, { ids: ['7'] }), { reason: 'roadmap_unavailable' })
})
