import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { type Call, questions } from './questions.ts'
import { untilTextsAreRead } from './texts.ts'
import { truthFor } from './truth.ts'

/** Fifty questions at once of somebody whose Message Center was not read before. */

const nowMs = Date.now()
const tenant = await startEmulator()
file.after(() => tenant.close())
const { origin, app } = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '5m' }, tenant, { now: () => nowMs })

const rows: readonly (readonly [asks: string, user: string, calls: readonly Call[], graphCalls: number])[] = [
  ['whatever they ask', 'rowan', mixed('rowan'), 2],
  ['of which none needs a text', 'gale', Array(50).fill(['getMessages', { services: ['Teams'], top: 3 }]), 1],
  ['of which all need the texts', 'priya', Array(50).fill(['getMessages', { search: 'printer', top: 3 }]), 1],
  ['about one message', 'load-00001', Array(50).fill(['getMessage', { id: 'MC1282000' }]), 1],
]

/** A busy machine does not render all texts in the time of one question, and says so. */
function isPartial({ note }: { readonly note?: unknown }): boolean {
  return typeof note === 'string' && note.includes('could not be read')
}

/** The forty, and ten of them once more. */
function mixed(user: string): Call[] {
  const truth = truthFor(tenant.tenant.directory.find(user)?.id ?? '', nowMs)
  return [...questions, ...questions].flatMap(({ calls }) => calls(truth)).slice(0, 50)
}

for (const [asks, user, calls, most] of rows) {
  test(`fifty questions at once, ${asks}: one load, and each its own answer`, async () => {
    const token = await tenant.mint({ user })
    const before = tenant.stats.snapshot().endpoints.graph
    const ask = async ([tool, args]: Call) => {
      const { body } = await post(origin, toolCall(tool, args), token)
      assert.notEqual(body.result?.isError, true, body.result?.content?.[0]?.text)
      const { ageSeconds: _, ...answer } = body.result?.structuredContent ?? {}
      return answer
    }
    assert.equal(calls.length, 50)
    const answers = await Promise.all(calls.map(ask))
    const spent = tenant.stats.snapshot().endpoints.graph - before
    assert.ok(spent >= 1 && spent <= most, `${spent} calls to Graph`)
    // A row shows deadlines of texts as soon as these are read: asked again, it has more, and the same ids.
    if (most > 1) await untilTextsAreRead(origin, token)
    const again = await Promise.all(calls.map(ask))
    const shownIds = (answer: object) => JSON.stringify(answer).match(/"id":"MC\d+"/g)
    for (const [i, answer] of answers.entries()) {
      if (!isPartial(answer)) assert.deepEqual(shownIds(answer), shownIds(again[i] ?? {}), JSON.stringify(calls[i]))
    }
    assert.equal(tenant.stats.snapshot().endpoints.graph - before, spent, 'what was read answers the same again')
  })
}

test('each of them exchanged one token', () => {
  assert.deepEqual(
    Object.values(tenant.stats.snapshot().exchangesByUser),
    rows.map(() => 1),
  )
  assert.equal(app.messageCenter.stats.snapshots, rows.length)
})
