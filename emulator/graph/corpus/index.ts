import type { Message } from '../message.ts'
export function createCorpus(): readonly Message[] {
  return []
}
