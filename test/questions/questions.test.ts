import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceUpdateMessage } from '../../emulator/graph/entity.ts'
import { listen, toolCall } from '../helper.ts'
import { file, post } from '../security/harness.ts'
import { startEmulator } from '../tenant.ts'
import { questions, type Result } from './questions.ts'
import { untilTextsAreRead } from './texts.ts'
import { truthFor } from './truth.ts'

/**
 * Forty questions of an administrator, as an agent asks them, over sockets, of a Graph that rejects every filter. What is
 * right is computed from the corpus that the tenant serves, by plain functions, and by nothing of `src/`.
 */

const nowMs = Date.now()
const tenant = await startEmulator()
file.after(() => tenant.close())
tenant.tenant.unfilterable = [...serviceUpdateMessage.properties.keys()]
const { origin } = await listen(file, { LOG_LEVEL: 'silent', GRAPH_CACHE_TTL: '5m' }, tenant, { now: () => nowMs })
const user = 'rowan'
const token = await tenant.mint({ user })
const truth = truthFor(tenant.tenant.directory.find(user)?.id ?? '', nowMs)
const graphCalls = () => tenant.stats.snapshot().endpoints.graph

/** The fewest: o200k has 3.5 to 4.6 in the answers of this file, 4.2 in all of them. So tokens are at most what is said. */
const charsPerToken = 3.5

const ids = (results: readonly Result[]) => results.flatMap(({ value = [] }) => value.map(({ id }) => id)).sort()

await untilTextsAreRead(origin, token)

test('there are forty questions', () => {
  assert.equal(questions.length, 40)
  assert.equal(new Set(questions.map(({ asks }) => asks)).size, 40)
})

for (const { asks, calls, right, told = ids, tokens } of questions) {
  test(asks, async (t) => {
    const results: Result[] = []
    let chars = 0
    for (const [tool, args] of calls(truth)) {
      const { body } = await post(origin, toolCall(tool, args), token)
      assert.notEqual(body.result?.isError, true, body.result?.content?.[0]?.text)
      results.push(body.result?.structuredContent as Result)
      chars += JSON.stringify(body.result?.content).length
    }
    const expected = right(truth)
    assert.ok(!Array.isArray(expected) || expected.length > 0, 'the question has an answer')
    assert.ok(!Array.isArray(expected) || expected.length < truth.posts.length, 'the question tells messages apart')
    const answer = told(results)
    const isCut = results.some(({ more }) => more !== undefined)
    const wanted = told === ids ? [...(expected as string[])].sort() : expected
    assert.deepEqual(answer, isCut ? cutLike(answer, wanted) : wanted)
    const spent = Math.ceil(chars / charsPerToken)
    t.diagnostic(`${spent} tokens`)
    assert.ok(spent <= tokens, `${spent} tokens`)
  })
}

/** Lists of a digest that says that it leaves rows out: the first ones, and most of them. */
function cutLike(answer: unknown, wanted: unknown): unknown {
  if (Array.isArray(answer) && Array.isArray(wanted)) return wanted.slice(0, Math.max(answer.length, 8))
  if (typeof answer !== 'object' || answer === null || typeof wanted !== 'object' || wanted === null) return wanted
  const parts: Readonly<Record<string, unknown>> = { ...answer }
  return Object.fromEntries(Object.entries(wanted).map(([name, part]) => [name, cutLike(parts[name], part)]))
}

test('all of them cost four calls to Graph at most', () => {
  const calls = graphCalls()
  assert.ok(calls >= 1 && calls <= 4, `${calls} calls`)
})

test('a raw filter is rejected by this Graph: none of them depends on one', async () => {
  const { body } = await post(origin, toolCall('getMessages', { filter: 'isMajorChange eq true' }), token)
  assert.match(body.result?.content?.[0]?.text ?? '', /^graph_bad_request/)
})
