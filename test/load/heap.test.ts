import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heapNeededBy, inspectable } from '../../load/heap.ts'
import { answersOk, freePort, start, untilReady } from '../../load/processes.ts'

const mebibyte = 1024 * 1024

/** What a process needs that holds so many arrays of 8 KB, and has let go of as many more. */
async function heapWith(arrays: number): Promise<number> {
  const { env, port } = await inspectable()
  const ready = await freePort()
  const keep = `globalThis.kept = []; for (let i = 0; i < ${arrays * 2}; i++) {
    const array = new Array(1024).fill(i + 0.5); if (i % 2) kept.push(array) }`
  const process = start({
    name: 'A process with a heap',
    command: globalThis.process.execPath,
    args: ['--eval', `${keep}; http.createServer((_, answer) => answer.end()).listen(${ready}, '127.0.0.1')`],
    env,
    cwd: '/',
  })
  try {
    await untilReady(process, () => answersOk(`http://127.0.0.1:${ready}/`))
    return await heapNeededBy(process, port)
  } finally {
    await process.stop()
  }
}

test('what a process needs of its heap is what it holds, and not what it let go of', async () => {
  const grown = (await heapWith(2_048)) - (await heapWith(1))
  assert.ok(grown > 15 * mebibyte && grown < 18 * mebibyte, `${grown} bytes for 16 MiB`)
})
