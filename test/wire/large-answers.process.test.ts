import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { buildBundle } from '../bundle-helper.ts'
import { type Env, envFor, startTenant, toolCall } from '../helper.ts'
import { post, reasonOf } from '../security/harness.ts'

/** Half of what a replica of the shipped size has, for pages of half the size that Graph's may have. */
const heapMiB = 128
const messages = 500
/** Two bytes a character in V8's heap, for the dash. */
const content = `– ${'<p class="a">A change</p>\n'.repeat(480)}`

const startBundle = buildBundle()

/** The server with a small heap, and a Graph that has long messages. */
async function start(t: TestContext, env: Env = {}) {
  const tenant = await startTenant(t)
  const value = Array.from({ length: messages }, (_, i) => ({
    id: `MC${1_000_000 + i}`,
    body: { contentType: 'html', content },
  }))
  tenant.faults.add({ target: 'graph', kind: 'status', status: 200, body: { value } })
  const running = await startBundle(t, {
    ...envFor(tenant),
    LOG_LEVEL: 'info',
    NODE_OPTIONS: `--max-old-space-size=${heapMiB}`,
    ...env,
  })
  await running.ready()
  const token = await tenant.mint()
  /** Each asks something else, so that each is read. */
  const ask = (number: number) => toolCall('getMessages', { top: 1000, body: 'html', skip: number }, number)
  const read = (number: number) => post(running.origin, ask(number), token)
  return { ...running, read }
}

function messagesOf({ status, text, body }: Awaited<ReturnType<typeof post>>): number {
  assert.equal(status, 200, text.slice(0, 500))
  const { value } = JSON.parse(body.result?.content?.[0]?.text ?? '{}') as { value?: unknown[] }
  assert.deepEqual(body.result?.structuredContent?.['value'], value)
  return value?.length ?? 0
}

/** It waited for its turn longer than a call to Graph may take, on a machine that is slow. */
const isLate = (answer: Awaited<ReturnType<typeof post>>) => reasonOf(answer) === 'graph_timeout'

for (const [kept, ttl] of [
  ['not kept', '0'],
  ['kept', '1m'],
] as const) {
  test(`six large answers at once do not end a process with a small heap, and are right: ${kept}`, async (t) => {
    const { read, output } = await start(t, { GRAPH_ANSWER_TTL: ttl })
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(read))
    const [late, right] = [answers.filter(isLate), answers.filter((answer) => !isLate(answer))]
    for (const answer of right) assert.equal(messagesOf(answer), messages)
    assert.ok(right.length >= 2, `${late.length} of them came too late`)
    assert.doesNotMatch(output.text, /heap/)
  })
}
