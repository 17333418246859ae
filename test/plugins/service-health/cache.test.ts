import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../src/errors/index.ts'
import type { GraphSession } from '../../../src/plugins/graph-client/index.ts'
import { createHealthCache } from '../../../src/plugins/service-health/cache.ts'
import { createGate } from '../../gate.ts'

/** Graph with one service, which is as a test says; what is asked is counted. */
function graphOf(status = 'serviceOperational') {
  let calls = 0
  const gate = createGate()
  let failure: Failure | undefined
  const graph: GraphSession = {
    async get(path) {
      if (path.endsWith('/healthOverviews')) calls++
      await gate.passed()
      if (failure !== undefined) throw failure
      return { value: path.endsWith('/issues') ? [] : [{ service: 'Microsoft Teams', status }] }
    },
    post: () => assert.fail('nothing is written'),
    nextQuery: () => assert.fail('there is one page'),
  }
  return {
    graph,
    get calls() {
      return calls
    },
    fail(next: Failure | undefined) {
      failure = next
    },
    hold: gate.hold,
  }
}

function cacheOf(options: { maxBytes?: number } = {}) {
  const clock = { now: 0 }
  return { clock, cache: createHealthCache({ now: () => clock.now, ...options }) }
}

const activeOnly = true

test('health is read again after two minutes, or where fresh is wanted', async () => {
  const { clock, cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  assert.ok(!('ageSeconds' in (await cache.read(reader, { activeOnly }))))
  clock.now = 119_999
  assert.equal((await cache.read(reader, { activeOnly })).ageSeconds, 119)
  clock.now = 120_000
  assert.ok(!('ageSeconds' in (await cache.read(reader, { activeOnly }))))
  await cache.read(reader, { activeOnly, fresh: true })
  assert.equal(asked.calls, 3)
})

test('another credential never gets what one has read, be it cached or being read', async () => {
  const { cache } = cacheOf()
  const [mine, other] = [graphOf('serviceDegradation'), graphOf()]
  const open = mine.hold()
  const reading = cache.read({ credentialHash: 'a', graph: mine.graph }, { activeOnly })
  const [{ status: seen } = {}] = (await cache.read({ credentialHash: 'b', graph: other.graph }, { activeOnly }))
    .services
  open()
  assert.equal(seen, 'serviceOperational')
  assert.equal((await reading).services[0]?.status, 'serviceDegradation')
  assert.deepEqual([mine.calls, other.calls], [1, 1])
})

test('concurrent questions share one read, which outlives a caller who goes away', async () => {
  const { cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  const open = asked.hold()
  const leaving = new AbortController()
  const left = cache.read(reader, { activeOnly, signal: leaving.signal })
  const stays = [cache.read(reader, { activeOnly }), cache.read(reader, { activeOnly, fresh: true })]
  leaving.abort()
  await assert.rejects(left, { reason: 'call_cancelled' })
  open()
  assert.equal((await Promise.all(stays)).length, 2)
  assert.equal(asked.calls, 1)
})

test('active issues and all issues are read apart', async () => {
  const { cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  await cache.read(reader, { activeOnly: true })
  await cache.read(reader, { activeOnly: false })
  assert.equal(asked.calls, 2)
})

test('a failure is not cached', async () => {
  const { cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  asked.fail(new Failure('graph_unavailable'))
  await assert.rejects(cache.read(reader, { activeOnly }), { reason: 'graph_unavailable' })
  asked.fail(undefined)
  assert.equal((await cache.read(reader, { activeOnly })).services.length, 1)
})

test('what is dropped is read again, and what was being read then is not cached', async () => {
  const { cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  for (const activeOnly of [true, false]) await cache.read(reader, { activeOnly })
  cache.drop('a')
  assert.equal(cache.size, 0)
  const open = asked.hold()
  const reading = cache.read(reader, { activeOnly })
  cache.drop('a')
  open()
  await reading
  assert.equal(cache.size, 0)
})

test('whose role is gone is shown nothing of what was read with it', async () => {
  const { cache } = cacheOf()
  const asked = graphOf()
  const reader = { credentialHash: 'a', graph: asked.graph }
  for (const activeOnly of [true, false]) await cache.read(reader, { activeOnly })
  asked.fail(new Failure('graph_unavailable'))
  await assert.rejects(cache.read(reader, { activeOnly, fresh: true }))
  assert.equal(cache.size, 2)
  asked.fail(new Failure('graph_forbidden'))
  await assert.rejects(cache.read(reader, { activeOnly, fresh: true }))
  assert.equal(cache.size, 0)
})

test('what is too old to answer with is swept; what is not stays', async () => {
  const { cache, clock } = cacheOf()
  await cache.read({ credentialHash: 'a', graph: graphOf().graph }, { activeOnly })
  clock.now = 60_000
  await cache.read({ credentialHash: 'b', graph: graphOf().graph }, { activeOnly })
  clock.now = 120_000
  cache.sweep()
  assert.equal(cache.size, 1)
})

test('memory is bounded', async () => {
  const { cache } = cacheOf({ maxBytes: 1_000 })
  for (let i = 0; i < 10; i++) await cache.read({ credentialHash: `${i}`, graph: graphOf().graph }, { activeOnly })
  assert.ok(cache.size > 0 && cache.size < 4, `${cache.size}`)
})
