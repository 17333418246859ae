import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, toolCall } from '../helper.ts'
import { startEmulator } from '../tenant.ts'
import { file, type HttpResponse, modernToolCall, post } from './harness.ts'

/** In each of the four cases: clients that ask at the same time, each for one user and the other alternately. */
const clients = 20
const rounds = 12
const users = ['rowan', 'gale'] as const

const tenant = await startEmulator()
file.after(() => tenant.close())
const asking = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '0' }, tenant)
/** Snapshots live for a moment, so that some calls read, some join a load, and others are answered from memory. */
const caching = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '1s' }, tenant)
const tokens = await Promise.all(users.map((user) => tenant.mint({ user })))

/** What the tenant marked for each user: read, favourite and archived differ from one to the other. */
function marks({ body }: HttpResponse): string {
  const page = body.result?.structuredContent as { value: { id: string; viewPoint: unknown }[] }
  return JSON.stringify(page.value.map(({ id, viewPoint }) => [id, viewPoint]))
}

const args = { top: 20, orderby: 'startDateTime' }
const eras = {
  '2025 revisions': (origin: string, token: string) => post(origin, toolCall('getMessages', args, 'same-id'), token),
  'revision 2026-07-28': (origin: string, token: string) => {
    const { message, headers } = modernToolCall('getMessages', args, 'same-id')
    return post(origin, message, token, headers)
  },
}

/** One after the other: here nothing can cross. */
const expected: string[] = []
for (const token of tokens) expected.push(marks(await eras['2025 revisions'](asking.origin, token)))
assert.notEqual(expected[0], expected[1], 'the tenant must tell the two users apart')

const cases = Object.entries(eras).flatMap(
  ([era, ask]) =>
    [
      [era, asking.origin, ask],
      [`${era}, from snapshots`, caching.origin, ask],
    ] as const,
)
for (const [name, origin, askAt] of cases) {
  const ask = (token: string) => askAt(origin, token)
  test(`two users with the same request id, served out of order, get their own results (${name})`, async () => {
    // Every other response comes late, so that responses overtake each other all the time.
    tenant.faults.add({
      target: 'graph',
      kind: 'delay',
      delayMs: 3,
      user: `${users[0]}@contoso.example`,
      times: (clients * rounds) / 4,
    })

    let crossed = 0
    const asked = Array.from({ length: clients }, async (_, client) => {
      for (let round = 0; round < rounds; round++) {
        const who = (client + round) % 2
        if (marks(await ask(tokens[who] ?? '')) !== expected[who]) crossed++
      }
    })
    await Promise.all(asked)
    tenant.faults.clear()
    assert.equal(crossed, 0)
  })
}

test('of the answers from snapshots, some were from memory, some joined a load and some read', () => {
  const { hit, joined, loaded } = caching.app.messageCenter.stats.reads
  assert.ok(hit > 0 && joined > 0 && loaded > 0, JSON.stringify({ hit, joined, loaded }))
})

test('one user’s token is exchanged once for each user at each server, and never for the other', () => {
  const { exchangesByUser } = tenant.stats.snapshot()
  assert.deepEqual(Object.values(exchangesByUser), [2, 2])
})
