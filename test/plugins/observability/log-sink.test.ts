import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLogSink } from '../../../src/plugins/observability/log-sink.ts'
import { eventually } from '../../helper.ts'

const line = (i: number) => `${JSON.stringify({ i, filler: 'x'.repeat(1_000) })}\n`

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mcp-log-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

/** A sink that is closed with its file. */
function sinkOf(t: TestContext, path: string) {
  const sink = createLogSink(openSync(path, 'w'))
  t.after(() => sink.close())
  return sink
}

/** Both ends of a pipe that do not wait for each other. */
function pipe(t: TestContext) {
  const path = join(folder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const page = Buffer.alloc(1024 * 1024)
  const read = () => {
    try {
      return page.toString('utf8', 0, readSync(reader, page))
    } catch {
      return ''
    }
  }
  return { writer, read }
}

test('lines are written in order, and all of them before it is closed', async (t) => {
  const path = join(folder(t), 'log')
  const sink = sinkOf(t, path)
  const lines = Array.from({ length: 2_000 }, (_, i) => line(i))
  for (const one of lines) sink.write(one)
  await sink.close()
  assert.equal(readFileSync(path, 'utf8'), lines.join(''))
  assert.equal(sink.dropped, 0)
})

test('a single line is written soon', async (t) => {
  const path = join(folder(t), 'log')
  sinkOf(t, path).write('{}\n')
  await eventually(() => readFileSync(path, 'utf8') === '{}\n')
})

test('a full disk costs lines beyond a bound, which are counted', async (t) => {
  const sink = sinkOf(t, '/dev/full')
  for (let i = 0; i < 6_000; i++) sink.write(line(i))
  const buffered = Math.floor((4 * 1024 * 1024) / line(1_000).length)
  assert.ok(Math.abs(sink.dropped - (6_000 - buffered)) < 30, String(sink.dropped))
  await sink.close()
  assert.ok(sink.dropped > 0)
})

test('a reader that reads again gets whole lines, in order, and the sink says how many it dropped and why', async (t) => {
  const { writer, read } = pipe(t)
  const sink = createLogSink(writer)
  const resumed: unknown[] = []
  sink.onResumed((dropped, why) => resumed.push({ dropped, why }))
  for (let i = 0; i < 6_000; i++) sink.write(line(i))
  const { dropped } = sink
  assert.ok(dropped > 1_000)
  assert.deepEqual(resumed, [])

  let out = ''
  await eventually(() => {
    out += read()
    return resumed.length > 0
  }, 20_000)
  assert.deepEqual(resumed, [{ dropped, why: 'EAGAIN' }])
  out += read()
  const numbers = out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text).i)
  assert.deepEqual(
    numbers,
    Array.from({ length: 6_000 - dropped }, (_, i) => i),
  )
})

test('a sink that never failed has nothing to resume', async (t) => {
  const { writer, read } = pipe(t)
  const sink = createLogSink(writer)
  sink.onResumed(() => assert.fail('nothing was dropped'))
  sink.write('{}\n')
  await sink.close()
  assert.equal(read(), '{}\n')
})
