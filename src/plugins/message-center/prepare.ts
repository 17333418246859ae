import { setImmediate } from 'node:timers/promises'
import type { Body } from './body.ts'

/** Between two looks at the event loop, in milliseconds. */
const sliceMs = 10
/** All rendering for one question: a thousand posts take a third of it. */
const maxMs = 3_000

/**
 * Renders bodies before they are searched, while others get their turn. What is rendered stays so.
 *
 * @returns the bodies, without those that could not be rendered in time
 */
export async function prepareAll(
  bodies: readonly (Body | undefined)[],
  now: () => number = () => performance.now(),
): Promise<readonly (Body | undefined)[]> {
  if (bodies.every((body) => body === undefined || body.isPrepared)) return bodies
  const endMs = now() + maxMs
  let sliceEndsMs = now() + sliceMs
  const prepared: (Body | undefined)[] = []
  for (const body of bodies) {
    if (now() < endMs) body?.prepare()
    prepared.push(body?.isPrepared ? body : undefined)
    if (now() < sliceEndsMs) continue
    await setImmediate()
    sliceEndsMs = now() + sliceMs
  }
  return prepared
}
