/** Gives back what was taken; again and again does nothing. */
export type Release = () => void

/** Bounds what is in use at the same time, in total and for each key: calls, requests, bytes. */
export function createLimit({ total = Infinity, perKey = Infinity }: { total?: number; perKey?: number }) {
  const byKey = new Map<string, number>()
  let used = 0

  return {
    /** @returns how to give it back; undefined where there is no room */
    take(key: string, amount = 1): Release | undefined {
      const own = byKey.get(key) ?? 0
      if (used + amount > total || own + amount > perKey) return undefined
      used += amount
      byKey.set(key, own + amount)
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        used -= amount
        const left = (byKey.get(key) ?? 0) - amount
        if (left > 0) byKey.set(key, left)
        else byKey.delete(key)
      }
    },
  }
}
