/** Gives a turn back, or the wait for it up. */
export type Leave = () => void

interface Turn {
  readonly begin: () => void
}

export type Turns = ReturnType<typeof createTurns>

/** So many turns at a time; who waits has the next one in the order in which they came. */
export function createTurns(most: number) {
  const held = new Set<Turn>()
  const waiting = new Set<Turn>()

  function next() {
    for (const turn of waiting) {
      if (held.size >= most) return
      waiting.delete(turn)
      held.add(turn)
      turn.begin()
    }
  }

  function leaveOf(turn: Turn): Leave {
    return () => {
      waiting.delete(turn)
      if (held.delete(turn)) next()
    }
  }

  return {
    /** @param begin called when the turn has come: at once, or later */
    take(begin: () => void): Leave {
      const turn = { begin }
      waiting.add(turn)
      next()
      return leaveOf(turn)
    },
    /** A turn for what is there already and cannot wait; others wait the longer for it. */
    hold(): Leave {
      const turn = { begin() {} }
      held.add(turn)
      return leaveOf(turn)
    },
  }
}
