import { setImmediate } from 'node:timers/promises'
import type { Body, BodyPart } from './body.ts'

/** Between two looks at the event loop, in milliseconds. */
const sliceMs = 10
/** All of it for one question: a thousand posts take a tenth, or more on a machine that has too much to do. */
const maxMs = 5_000

/**
 * Makes parts of bodies before they are read, while others get their turn. What is made stays so.
 *
 * @returns the bodies, without those that were not ready in time
 */
export async function prepareAll(
  bodies: readonly (Body | undefined)[],
  parts: readonly BodyPart[],
  now: () => number = () => performance.now(),
): Promise<readonly (Body | undefined)[]> {
  if (bodies.every((body) => body === undefined || body.isPrepared(parts))) return bodies
  const endMs = now() + maxMs
  let sliceEndsMs = now() + sliceMs
  const prepared: (Body | undefined)[] = []
  for (const body of bodies) {
    if (now() < endMs) body?.prepare(parts)
    prepared.push(body?.isPrepared(parts) ? body : undefined)
    if (now() < sliceEndsMs) continue
    await setImmediate()
    sliceEndsMs = now() + sliceMs
  }
  return prepared
}
