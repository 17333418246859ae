/** A point at which calls wait while it is held. */
export function createGate() {
  let held = Promise.resolve()
  return {
    passed: () => held,
    /** Calls wait until the returned function is called. */
    hold() {
      let open = () => {}
      held = new Promise((resolve) => {
        open = resolve
      })
      return () => {
        held = Promise.resolve()
        open()
      }
    },
  }
}
