import assert from 'node:assert/strict'
import { Value } from 'typebox/value'
import type { GraphSession } from '../../src/plugins/graph-client/index.ts'
import type { Tool, ToolContext } from '../../src/plugins/mcp/tool.ts'
import { messageCenterOf } from '../../src/plugins/message-center/index.ts'
import { createSnapshots } from '../../src/plugins/message-center/snapshots.ts'
import type { ReadItems } from '../../src/plugins/roadmap/feed.ts'
import { createRoadmap } from '../../src/plugins/roadmap/roadmap.ts'
import { createHealthCache } from '../../src/plugins/service-health/cache.ts'
import { graphOf, type Listed } from '../plugins/message-center/graph-double.ts'

export const nowMs = Date.parse('2026-11-29T15:30:00Z')

const noRoadmap: ReadItems = async () => assert.fail('nothing reads the roadmap here')

/** A tool as a user of these messages calls it; what it returns is held to its output schema. */
export function userOf(messages: Listed[], session?: GraphSession, readItems: ReadItems = noRoadmap) {
  let readMs = 0
  const graph = graphOf(messages)
  const snapshots = createSnapshots({
    ttlMs: 5 * 60_000,
    maxBytes: 64 * 1024 * 1024,
    quotaLeft: () => 1,
    now: () => readMs,
  })
  const health = createHealthCache({ now: () => readMs })
  const context: ToolContext = {
    caller: null,
    graph: session ?? graph.session,
    messageCenter: messageCenterOf(snapshots, { credentialHash: 'mine', graph: session ?? graph.session }),
    serviceHealth: {
      read: (wanted) => health.read({ credentialHash: 'mine', graph: session ?? graph.session }, wanted),
    },
    roadmap: createRoadmap({ readItems, now: () => readMs }),
    signal: new AbortController().signal,
    now: () => nowMs,
  }
  return {
    graph,
    /** Moves the clock by which snapshots grow old. */
    advance(ms: number) {
      readMs += ms
    },
    async call(tool: Tool, args: object = {}) {
      const result = await tool.call(args, context)
      // As JSON, which is how it goes out.
      const sent: unknown = JSON.parse(JSON.stringify(result))
      assert.deepEqual([...Value.Errors(tool.definition.outputSchema, sent)], [])
      return result
    },
  }
}
