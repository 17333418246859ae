import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectAtSignal, heapAfterCollection } from '../../load/heap.ts'
import { findFreePort, isOk, start, waitUntil } from '../../load/processes.ts'

const mebibyte = 1024 * 1024

/** The heap of a process that holds so many arrays of 8 KB, and has released as many more. */
async function heapWith(arrays: number): Promise<number> {
  const metricsUrl = `http://127.0.0.1:${await findFreePort()}/metrics`
  const program = `
    globalThis.held = []
    for (let i = 0; i < ${arrays * 2}; i++) {
      const array = new Array(1024).fill(i + 0.5)
      if (i % 2) held.push(array)
    }
    const metrics = () => 'nodejs_heap_size_used_bytes ' + process.memoryUsage().heapUsed + '\\n'
    http.createServer((_, response) => response.end(metrics())).listen(${new URL(metricsUrl).port}, '127.0.0.1')`
  const process = start({
    name: 'A process with a heap',
    command: globalThis.process.execPath,
    args: [...collectAtSignal, '--eval', program],
    cwd: '/',
  })
  try {
    await waitUntil(process, () => isOk(metricsUrl))
    return await heapAfterCollection({ url: '', process, metricsUrl })
  } finally {
    await process.stop('SIGKILL')
  }
}

test('a heap after collection is what a process holds, without what it released', async () => {
  const grown = (await heapWith(2_048)) - (await heapWith(1))
  assert.ok(grown > 15 * mebibyte && grown < 18 * mebibyte, `${grown} bytes for 16 MiB`)
})
