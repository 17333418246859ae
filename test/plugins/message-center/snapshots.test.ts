import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Failure, type Reason } from '../../../src/errors/index.ts'
import { createSnapshots, type SnapshotsOptions } from '../../../src/plugins/message-center/snapshots.ts'
import { graphOf, type Listed, message } from './graph-double.ts'

const minute = 60_000

/** Snapshots with a clock that the test sets, and a Graph for each credential. */
function build(initial: Listed[] = [message(1), message(2), message(3)], options: Partial<SnapshotsOptions> = {}) {
  let nowMs = 0
  let quotaLeft = 1
  const snapshots = createSnapshots({
    ttlMs: 5 * minute,
    maxBytes: 64 * 1024 * 1024,
    quotaLeft: () => quotaLeft,
    patienceMs: 20,
    now: () => nowMs,
    random: () => 0,
    ...options,
  })
  const graph = graphOf(initial)
  const reader = { credentialHash: 'mine', graph: graph.session }
  return {
    snapshots,
    graph,
    reader,
    read: (wanted = {}) => snapshots.read(reader, wanted),
    advance(ms: number) {
      nowMs += ms
    },
    leave(share: number) {
      quotaLeft = share
    },
  }
}

const ids = ({ posts }: { posts: readonly { id: string }[] }) => posts.map(({ id }) => id).sort()
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof Failure ? error.reason : String(error)),
  )

/** The first message after it was changed once more. */
const later = message(1, {
  lastModifiedDateTime: '2026-11-26T00:00:00Z',
  body: { contentType: 'html', content: '<p>Later</p>' },
})

test('the first question reads the listing, and those of the next five minutes cost no call', async () => {
  const { read, graph, advance } = build()
  const first = await read()
  assert.deepEqual(ids(first), ['MC100001', 'MC100002', 'MC100003'])
  assert.equal(first.ageSeconds, undefined)
  advance(5 * minute - 1)
  assert.equal((await read()).ageSeconds, 299)
  assert.deepEqual(graph.asked, ['listing'])
  advance(1)
  assert.equal((await read()).ageSeconds, undefined)
  assert.deepEqual(graph.asked, ['listing', 'listing'])
})

test('what was read at the same time is read again at different times, up to a tenth earlier', async () => {
  for (const [random, lifetimeMs] of [
    [0.5, 4.75 * minute],
    [1, 4.5 * minute],
  ] as const) {
    const { read, graph, advance } = build(undefined, { random: () => random })
    await read()
    advance(lifetimeMs - 1)
    await read()
    assert.deepEqual(graph.asked, ['listing'])
    advance(1)
    await read()
    assert.deepEqual(graph.asked, ['listing', 'listing'])
  }
})

test('posts are latest first with their own bodies, however Graph has them', async () => {
  const on = (day: number) => ({ lastModifiedDateTime: `2026-11-0${day}T00:00:00Z` })
  const { read } = build([message(1, on(2)), message(2, on(3)), message(3, on(1))])
  const { posts, bodies } = await read({ bodies: true })
  assert.deepEqual(
    posts.map(({ id }, i) => `${id}: ${bodies[i]?.content}`),
    ['MC100002: <p>Text of 2</p>', 'MC100001: <p>Text of 1</p>', 'MC100003: <p>Text of 3</p>'],
  )
})

test('questions at the same time share one load', async () => {
  const { read, graph, snapshots } = build()
  await Promise.all(Array.from({ length: 50 }, () => read()))
  assert.deepEqual(graph.asked, ['listing'])
  assert.deepEqual(snapshots.stats.reads, { hit: 0, joined: 49, loaded: 1, stale: 0, failed: 0 })
})

test('a first question that needs bodies reads all in one call', async () => {
  const { read, graph } = build()
  const { bodies } = await read({ bodies: true })
  assert.deepEqual(bodies.map((body) => body?.text).sort(), ['Text of 1', 'Text of 2', 'Text of 3'])
  await read({ bodies: true })
  assert.deepEqual(graph.asked, ['bodies'])
})

test('bodies are read when a question needs them, at whatever time, and by one call for all', async () => {
  const { read, graph } = build()
  await read()
  await Promise.all([read({ bodies: true }), read({ bodies: true }), read()])
  assert.deepEqual(graph.asked, ['listing', 'bodies'])
})

test('a question that needs bodies while the listing is read waits for both', async () => {
  const { read, graph } = build()
  const open = graph.hold()
  const [plain, withBodies] = [read(), read({ bodies: true })]
  open()
  assert.equal(
    (await plain).bodies.every((body) => body === undefined),
    true,
  )
  assert.equal(
    (await withBodies).bodies.every((body) => body !== undefined),
    true,
  )
  assert.deepEqual(graph.asked, ['listing', 'bodies'])
})

test('afterwards only the bodies of posts that changed are read', async () => {
  const { read, graph, advance } = build()
  await read({ bodies: true })
  const changed = message(2, {
    lastModifiedDateTime: '2026-11-25T00:00:00Z',
    body: { contentType: 'html', content: '<p>New text</p>' },
  })
  graph.show([message(1), changed, message(3), message(4, { lastModifiedDateTime: '2026-11-24T00:00:00Z' })])
  advance(5 * minute)
  const { posts, bodies } = await read({ bodies: true })
  assert.deepEqual(graph.asked.slice(1), ['listing', 'bodies $orderby=lastModifiedDateTime desc $top=2'])
  assert.equal(bodies[posts.findIndex(({ id }) => id === 'MC100002')]?.text, 'New text')
  assert.equal(bodies[posts.findIndex(({ id }) => id === 'MC100004')]?.text, 'Text of 4')
  advance(5 * minute)
  await read({ bodies: true })
  assert.deepEqual(graph.asked.slice(3), ['listing'])
})

test('where Graph does not sort, or rejects it, all bodies are read', async (t) => {
  for (const [name, failure] of Object.entries({ rejects: 'graph_bad_request' } satisfies Record<string, Reason>)) {
    await t.test(name, async () => {
      const { read, graph, advance } = build()
      await read({ bodies: true })
      graph.show([message(1, { lastModifiedDateTime: '2026-11-25T00:00:00Z' }), message(2), message(3)])
      advance(5 * minute)
      await read()
      graph.fail(failure)
      assert.equal((await read({ bodies: true })).bodies.includes(undefined), false)
      assert.deepEqual(graph.asked.slice(2), ['bodies $orderby=lastModifiedDateTime desc $top=1', 'bodies'])
    })
  }
})

test('a post that changes between listing and body keeps its newer body until the listing has it too', async () => {
  const { read, graph, advance } = build([message(1), message(2)])
  await read()
  graph.show([later, message(2)])
  const { bodies } = await read({ bodies: true })
  assert.equal(
    bodies.some((body) => body?.text === 'Later'),
    true,
  )
  advance(5 * minute)
  await read({ bodies: true })
  assert.deepEqual(graph.asked, ['listing', 'bodies', 'listing'])
})

test('a post that leaves between listing and body is no longer shown', async () => {
  const { read, graph } = build([message(1), message(2)])
  await read()
  graph.show([message(2)])
  assert.deepEqual(ids(await read({ bodies: true })), ['MC100002'])
})

test('fresh reads again, after whatever began to be read before; several at once share that', async () => {
  const { read, graph } = build()
  await read()
  const open = graph.hold()
  const first = read({ fresh: true })
  graph.show([message(9)])
  const later = [read({ fresh: true }), read({ fresh: true })]
  open()
  await first
  for (const one of await Promise.all(later)) assert.deepEqual(ids(one), ['MC100009'])
  assert.deepEqual(graph.asked, ['listing', 'listing', 'listing'])
})

test('a question that joins a queued load without being fresh is served by it, and fresh makes that load fresh', async () => {
  const { read, graph } = build()
  await read()
  const open = graph.hold()
  const running = read({ fresh: true })
  const queued = read({ bodies: true, maxAgeMs: 0 })
  const fresh = read({ fresh: true })
  open()
  await Promise.all([running, queued, fresh])
  assert.deepEqual(graph.asked, ['listing', 'listing', 'listing', 'bodies'])
})

test('who joins a queued load adds to it: fresh, or bodies', async () => {
  for (const [first, second] of [
    [{ bodies: true }, { fresh: true }],
    [{ fresh: true }, { bodies: true }],
  ]) {
    const { read, graph } = build()
    await read()
    const open = graph.hold()
    const all = [read({ fresh: true }), read(first), read(second)]
    open()
    const [, ...queued] = await Promise.all(all)
    for (const { bodies } of queued) assert.equal(bodies.includes(undefined), false)
    assert.deepEqual(graph.asked, ['listing', 'listing', 'listing', 'bodies'])
  }
})

test('a body that is newer than its listing stays while the listing is late', async () => {
  const { read, graph, advance } = build([message(1), message(2)])
  await read()
  graph.show([later, message(2)])
  await read({ bodies: true })
  graph.show([message(1), message(2)])
  advance(5 * minute)
  const { bodies } = await read({ bodies: true })
  assert.ok(bodies.some((body) => body?.text === 'Later'))
  assert.deepEqual(graph.asked, ['listing', 'bodies', 'listing'])
})

test('the shorter the quota, the longer a snapshot lives: five minutes to an hour', async (t) => {
  for (const [left, minutes] of [
    [1, 5],
    [0.75, 5],
    [0.5, 32.5],
    [0.25, 60],
    [0, 60],
  ] as const) {
    await t.test(`${left} of the hour’s calls left: ${minutes} minutes`, async () => {
      const { read, graph, advance, leave } = build()
      await read()
      leave(left)
      advance(minutes * minute - 1)
      await read()
      assert.equal(graph.asked.length, 1)
      advance(1)
      await read()
      assert.equal(graph.asked.length, 2)
    })
  }
})

const transient: Reason[] = [
  'graph_throttled',
  'graph_quota_exceeded',
  'graph_unavailable',
  'graph_timeout',
  'graph_response_invalid',
  'graph_response_too_large',
  'graph_link_rejected',
]
for (const reason of transient) {
  test(`${reason}: the last snapshot is the answer, and says that it is stale`, async () => {
    const { read, graph, advance } = build()
    await read()
    advance(6 * minute)
    graph.fail(reason)
    const { ageSeconds, stale, posts } = await read()
    assert.deepEqual([ageSeconds, stale, posts.length], [360, true, 3])
  })

  test(`${reason} at the first question: there is nothing to answer with`, async () => {
    const { read, graph } = build()
    graph.fail(reason)
    assert.equal(await reasonOf(read()), reason)
    assert.equal((await read()).posts.length, 3)
  })
}

test('a snapshot of an hour is no answer any more', async () => {
  const { read, graph, advance } = build()
  await read()
  advance(60 * minute)
  graph.fail('graph_unavailable')
  assert.equal(await reasonOf(read()), 'graph_unavailable')
})

test('fresh is answered by the last snapshot where Graph fails', async () => {
  const { read, graph } = build()
  await read()
  graph.fail('graph_throttled')
  assert.equal((await read({ fresh: true })).stale, true)
})

test('after a failure Graph is left alone for a while', async () => {
  const { read, graph, advance } = build()
  await read()
  advance(6 * minute)
  graph.fail('graph_unavailable')
  await read()
  await read()
  assert.equal(graph.asked.length, 2)
  advance(15_000)
  assert.equal((await read()).stale, undefined)
  assert.equal(graph.asked.length, 3)
})

test('a refresh that hangs is waited for a short time only', async () => {
  const { read, graph, advance } = build()
  await read()
  advance(6 * minute)
  graph.fail('hang')
  assert.equal((await read()).stale, true)
})

for (const reason of ['graph_forbidden', 'graph_token_rejected', 'graph_claims_required'] as const) {
  test(`${reason}: the snapshot is dropped, and the failure told`, async () => {
    const { read, graph, advance, snapshots } = build()
    await read({ bodies: true })
    advance(6 * minute)
    graph.fail(reason)
    assert.equal(await reasonOf(read()), reason)
    assert.deepEqual([snapshots.stats.snapshots, snapshots.stats.bytes], [0, 0])
    graph.fail('graph_unavailable')
    assert.equal(await reasonOf(read()), 'graph_unavailable')
  })
}

test('what is dropped while it is read is not cached', async () => {
  const { read, graph, snapshots, reader } = build()
  const open = graph.hold()
  const reading = read()
  snapshots.drop(reader.credentialHash)
  open()
  await reading
  assert.deepEqual([snapshots.stats.snapshots, snapshots.stats.bytes], [0, 0])
})

test('bodies that cannot be read: questions that need none are answered, the others by what there is', async () => {
  const { read, graph, advance } = build()
  await read()
  graph.fail('graph_throttled')
  assert.equal(await reasonOf(read({ bodies: true })), 'graph_throttled')
  assert.equal((await read()).stale, undefined)
  await read({ bodies: true })
  graph.show([message(1, { lastModifiedDateTime: '2026-11-25T00:00:00Z' }), message(2), message(3)])
  advance(6 * minute)
  await read()
  graph.fail('graph_throttled')
  const { stale, bodies } = await read({ bodies: true })
  assert.deepEqual([stale, bodies.filter((body) => body === undefined).length], [true, 1])
})

test('a question that can do without bodies waits for the first, and is answered without where they fail', async () => {
  const { read, graph } = build()
  await read()
  graph.fail('graph_throttled')
  const { stale, ageSeconds, bodies: none } = await read({ bodies: 'optional' })
  assert.deepEqual([stale, ageSeconds, none.every((body) => body === undefined)], [undefined, 0, true])
  const { read: readAgain, graph: slow } = build()
  await readAgain()
  const open = slow.hold()
  const asked = readAgain({ bodies: 'optional' })
  await setTimeout(60)
  open()
  assert.ok((await asked).bodies.every((body) => body !== undefined))
})

test('a client that goes away does not end the load that others wait for', async () => {
  const { read, graph } = build()
  const open = graph.hold()
  const leaving = new AbortController()
  const [left, stayed] = [read({ signal: leaving.signal }), read()]
  leaving.abort()
  assert.equal(await reasonOf(left), 'call_cancelled')
  open()
  assert.equal((await stayed).posts.length, 3)
  assert.deepEqual(graph.asked, ['listing'])
})

test('no failure of one page leaves half a snapshot', async () => {
  const { snapshots, read } = build()
  const graph = graphOf([message(1), message(2), message(3)], 2)
  const reader = { credentialHash: 'paged', graph: graph.session }
  const get = graph.session.get.bind(graph.session)
  let page = 0
  reader.graph = {
    ...graph.session,
    get: (path, query) => (++page === 2 ? Promise.reject(new Failure('graph_unavailable')) : get(path, query)),
  }
  assert.equal(await reasonOf(snapshots.read(reader)), 'graph_unavailable')
  assert.equal((await snapshots.read(reader)).posts.length, 3)
  assert.equal((await read()).posts.length, 3)
})

test('each credential has its own snapshot, and equal posts are held once', async () => {
  const { snapshots } = build()
  const shared = [message(1), message(2)]
  const secret = message(3, { tags: ['GDPR'], body: { contentType: 'html', content: '<p>12 mailboxes</p>' } })
  const stub = message(3, { tags: ['GDPR'], body: { contentType: 'html', content: '<p>A Data Privacy message</p>' } })
  const [privacy, other] = [graphOf([...shared, secret]), graphOf([...shared, stub])]
  const read = (credentialHash: string, graph: ReturnType<typeof graphOf>) =>
    snapshots.read({ credentialHash, graph: graph.session }, { bodies: true })
  const [mine, theirs] = [await read('privacy', privacy), await read('other', other)]
  const textOf = ({ posts, bodies }: typeof mine, id: string) => bodies[posts.findIndex((post) => post.id === id)]?.text
  assert.equal(textOf(mine, 'MC100003'), '12 mailboxes')
  assert.equal(textOf(theirs, 'MC100003'), 'A Data Privacy message')
  const bodyOf = ({ posts, bodies }: typeof mine, id: string) => bodies[posts.findIndex((post) => post.id === id)]
  assert.equal(bodyOf(mine, 'MC100001'), bodyOf(theirs, 'MC100001'))
  const both = snapshots.stats.bytes
  snapshots.drop('privacy')
  assert.ok(snapshots.stats.bytes < both)
  snapshots.drop('other')
  assert.equal(snapshots.stats.bytes, 0)
})

test('beyond its bytes, the least recently used snapshot goes first', async () => {
  const { snapshots } = build([], { maxBytes: 40_000 })
  const read = async (name: string) => {
    const graph = graphOf(Array.from({ length: 5 }, (_, i) => message(i, { title: name.repeat(20) })))
    await snapshots.read({ credentialHash: name, graph: graph.session })
    return graph
  }
  const [a] = [await read('a'), await read('b')]
  await snapshots.read({ credentialHash: 'a', graph: a.session })
  const before = snapshots.stats
  for (const name of 'cdefgh') {
    await read(name)
    await snapshots.read({ credentialHash: 'a', graph: a.session })
  }
  assert.ok(snapshots.stats.bytes <= 40_000, String(snapshots.stats.bytes))
  assert.ok(snapshots.stats.snapshots < before.snapshots + 6)
  assert.deepEqual(a.asked, ['listing'])
})

test('a sweep forgets what is too old to answer with', async () => {
  const { read, snapshots, advance } = build()
  await read()
  advance(59 * minute)
  snapshots.sweep()
  assert.equal(snapshots.stats.snapshots, 1)
  advance(minute)
  snapshots.sweep()
  assert.deepEqual([snapshots.stats.snapshots, snapshots.stats.bytes], [0, 0])
})

test('what the user does with posts is seen at once, by this user alone', async () => {
  const { snapshots, read, reader } = build()
  const other = { credentialHash: 'other', graph: graphOf([message(1), message(2), message(3)]).session }
  await Promise.all([read(), snapshots.read(other)])
  snapshots.setViewPoint(reader.credentialHash, ['MC100001'], { isRead: true })
  const readOf = ({ posts }: Awaited<ReturnType<typeof read>>) =>
    posts.filter(({ isRead }) => isRead).map(({ id }) => id)
  assert.deepEqual(readOf(await read()), ['MC100001'])
  assert.deepEqual(readOf(await snapshots.read(other)), [])
})

test('what the user does while a listing is being read is in it, for who waited and who asks later', async () => {
  const { snapshots, read, reader, graph } = build()
  const open = graph.hold()
  const waiting = read()
  snapshots.setViewPoint(reader.credentialHash, ['MC100001'], { isRead: true })
  open()
  for (const { posts } of [await waiting, await read()]) {
    assert.deepEqual(
      posts.filter(({ isRead }) => isRead).map(({ id }) => id),
      ['MC100001'],
    )
  }
})

test('a later listing has the last word on what the user did', async () => {
  const { snapshots, read, reader, advance } = build()
  await read()
  snapshots.setViewPoint(reader.credentialHash, ['MC100001'], { isRead: true })
  snapshots.setViewPoint(reader.credentialHash, ['MC100001'], { isFavorited: true })
  const [post] = (await read()).posts.filter(({ id }) => id === 'MC100001')
  assert.deepEqual([post?.isRead, post?.isFavorite], [true, true])
  advance(1)
  assert.ok((await read({ fresh: true })).posts.every(({ isRead }) => !isRead))
})

test('0 as lifetime: every question reads, and those at the same time share it', async () => {
  const { read, graph } = build(undefined, { ttlMs: 0 })
  await read()
  await Promise.all([read(), read()])
  assert.deepEqual(graph.asked, ['listing', 'listing'])
})

test('5,000 posts are read page by page', async () => {
  const many = Array.from({ length: 5_000 }, (_, i) => message(i))
  const { read, graph } = build(many)
  assert.equal((await read({ bodies: true })).posts.length, 5_000)
  assert.equal(graph.asked.length, 5)
})

test('fields that Graph no longer knows are not selected again', async () => {
  const { read, graph } = build()
  graph.fail('graph_bad_request')
  const { posts, bodies } = await read()
  assert.equal(posts.length, 3)
  assert.equal(bodies.includes(undefined), false)
  assert.deepEqual(graph.asked, ['listing', 'bodies'])
})
