/** What is held once for all who hold it, by a hash of its content. */
export interface Shared {
  readonly key: string
  readonly bytes: number
}

/** Equal values held once, for as long as anybody holds them, with the bytes of all of them. */
export function createPool<T extends Shared>() {
  const held = new Map<string, { readonly value: T; holders: number }>()
  let bytes = 0

  return {
    find: (key: string): T | undefined => held.get(key)?.value,
    /** @returns the value to hold: the one that others hold already, where there is one */
    hold(value: T): T {
      const entry = held.get(value.key) ?? { value, holders: 0 }
      if (entry.holders++ === 0) {
        held.set(value.key, entry)
        bytes += value.bytes
      }
      return entry.value
    },
    release({ key }: T) {
      const entry = held.get(key)
      if (entry === undefined || --entry.holders > 0) return
      held.delete(key)
      bytes -= entry.value.bytes
    },
    get bytes() {
      return bytes
    },
  }
}
