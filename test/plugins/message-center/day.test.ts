import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { GraphReader } from '../../../src/plugins/graph-client/index.ts'
import { createGraphQuota } from '../../../src/plugins/graph-quota/index.ts'
import { createSnapshots } from '../../../src/plugins/message-center/snapshots.ts'
import { graphOf, message } from './graph-double.ts'

const minute = 60_000
const hour = 60 * minute
const users = 200
const limits = [
  { window: 'minute', calls: 240 },
  { window: 'hour', calls: 800 },
] as const

/** Numbers from 0 to 1, the same ones each time (a linear congruential generator). */
function randomFrom(seed: number) {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** Sessions of one user in a day: when they begin, in milliseconds, and how many questions a minute apart or so. */
function sessionsOf(random: () => number, startsAtMs: () => number): number[] {
  return Array.from({ length: 4 + Math.floor(random() * 3) }, startsAtMs).flatMap((startMs) => {
    let atMs = startMs
    return Array.from({ length: 5 + Math.floor(random() * 10) }, () => {
      atMs += (0.3 + random() * 3) * minute
      return atMs
    })
  })
}

for (const [name, spread] of [
  ['over the working day', 9 * hour],
  ['in the first hours of the morning', 2 * hour],
] as const) {
  test(`a day of 200 users, ${name}: nobody is rejected, and no hour has more than 800 calls`, async () => {
    mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.UTC(2026, 11, 1, 8) })
    try {
      const random = randomFrom(7)
      const startMs = Date.now()
      const quota = createGraphQuota({ limits, audit: () => {}, now: () => Date.now() })
      const snapshots = createSnapshots({
        ttlMs: 5 * minute,
        maxBytes: 512 * 1024 * 1024,
        quotaLeft: () => (quota.left['hour'] ?? 800) / 800,
        now: () => Date.now(),
      })
      // A post changes every twenty minutes.
      const graph = graphOf(Array.from({ length: 60 }, (_, i) => message(i)))
      const posts = Array.from({ length: 60 }, (_, i) => message(i))
      const calls: number[] = []
      const readerOf = (user: string, credentialHash: string): GraphReader => ({
        credentialHash,
        graph: {
          ...graph.session,
          async get(path, query) {
            await quota.admit({ accessToken: user, user, correlationId: '' }, 10_000)
            calls.push(Date.now())
            return graph.session.get(path, query)
          },
        },
      })

      const questions = Array.from({ length: users }, (_, user) =>
        sessionsOf(random, () => random() * spread).map((atMs) => ({ user, atMs, bodies: random() < 0.4 })),
      )
        .flat()
        .sort((a, b) => a.atMs - b.atMs)
      let rejected = 0
      let stale = 0
      let changes = 0
      for (const { user, atMs, bodies } of questions) {
        mock.timers.setTime(startMs + atMs)
        while (changes < atMs / (20 * minute)) {
          const index = changes++ % posts.length
          posts[index] = message(index, { lastModifiedDateTime: new Date(Date.now()).toISOString() })
          graph.show(posts)
        }
        // Access tokens last for an hour or so; a new one is a new credential.
        const credential = `${user} ${Math.floor((atMs + user * minute) / (70 * minute))}`
        await snapshots.read(readerOf(String(user), credential), { bodies }).then(
          (reading) => {
            if (reading.stale) stale++
          },
          () => rejected++,
        )
      }
      const busiest = Math.max(...calls.map((at) => calls.filter((other) => other > at - hour && other <= at).length))
      assert.deepEqual(
        { rejected, stale },
        { rejected: 0, stale: 0 },
        `${questions.length} questions, ${calls.length} calls`,
      )
      assert.ok(busiest <= 800, `${busiest} calls in the busiest hour`)
      assert.ok(questions.length > 7 * users * 4, String(questions.length))
    } finally {
      mock.timers.reset()
    }
  })
}
