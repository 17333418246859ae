import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { createRoadmap, type RoadmapItem } from '../../emulator/graph/corpus/roadmap.ts'
import { roadmapPath } from '../../emulator/roadmap.ts'
import { startTenant } from '../helper.ts'

const now = Date.parse('2026-11-29T15:30:00Z')

test('each id that a post names is on the roadmap, once', () => {
  const named = createCorpus(now).flatMap(({ details }) =>
    details.filter(({ name }) => name === 'RoadmapIds').flatMap(({ value }) => value.split(', ')),
  )
  const ids = createRoadmap(now).map(({ id }) => String(id))
  assert.deepEqual([...new Set(named)].sort(), [...ids].sort())
  assert.equal(new Set(ids).size, ids.length)
})

test('an item is launched when its month has passed, and dated like the feed’s', () => {
  const statuses = new Set<string>()
  for (const { status, generalAvailabilityDate, created } of createRoadmap(now)) {
    statuses.add(status)
    assert.match(generalAvailabilityDate ?? '', /^\d{4}-\d\d$/)
    assert.match(created, /T[\d:]+\.\d{7}Z$/)
    if (status === 'Launched') assert.ok((generalAvailabilityDate ?? '') <= '2026-11')
  }
  assert.deepEqual(statuses, new Set(['Launched', 'Rolling out', 'In development']))
})

test('the feed filters by ids, is asked without credentials, and rejects other filters', async (t) => {
  const { origin } = await startTenant(t)
  const get = (query: string, headers = {}) => fetch(`${origin}${roadmapPath}${query}`, { headers })
  const all = ((await (await get('')).json()) as { value: RoadmapItem[] }).value
  const [one, two] = all.map(({ id }) => id)
  const filtered = await get(`?$filter=${encodeURIComponent(`id in (${two},${one},1)`)}`)
  assert.deepEqual(
    ((await filtered.json()) as { value: RoadmapItem[] }).value.map(({ id }) => id),
    [one, two],
  )
  assert.equal((await get('?$filter=id eq 1')).status, 400)
  assert.equal((await get('', { authorization: 'Bearer x' })).status, 400)
  assert.equal((await get('', { cookie: 'a=b' })).status, 400)
})
