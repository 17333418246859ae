/** What decides whether a run under load passes: load/. */
export const breaks = [
  // load/check-response.ts
  {
    what: 'a response to another call is correct',
    file: 'load/check-response.ts',
    from: "return { kind: 'wrong', reason: 'belongs to another call, or to none' }",
    to: "return { kind: 'correct' }",
    caughtBy: 'test/load/check-response.test.ts',
  },
  {
    what: 'posts that were read as another user are correct',
    file: 'load/check-response.ts',
    from: 'if (reader !== own) return reader',
    to: 'if (reader === "") return reader',
    caughtBy: 'test/load/wrong-response.test.ts',
  },
  {
    what: 'posts that do not name their reader are correct',
    file: 'load/check-response.ts',
    from: 'call.hasPosts && call.user.reader',
    to: '!call.hasPosts && call.user.reader',
    caughtBy: 'test/load/check-response.test.ts',
  },
  {
    what: 'what only others may read is correct',
    file: 'load/check-response.ts',
    from: 'call.lacks !== undefined && text.includes(call.lacks)',
    to: "call.lacks === ''",
    caughtBy: 'test/load/check-response.test.ts',
    test: 'only others may read',
  },
  {
    what: 'a 503 without Retry-After is as good as one with it',
    file: 'load/check-response.ts',
    from: "&& !hasRetryAfter ? ', without Retry-After' : ''",
    to: "&& !hasRetryAfter ? '' : ''",
    caughtBy: 'test/load/check-response.test.ts',
  },
  // load/run.ts, load/harness.ts
  {
    what: 'wrong responses fail no run',
    file: 'load/run.ts',
    from: 'passed: wrong === 0 && calls > 0',
    to: 'passed: calls > 0',
    caughtBy: 'test/load/wrong-response.test.ts',
  },
  {
    what: 'wrong responses of the warm-up are forgotten',
    file: 'load/harness.ts',
    from: 'totals.wrong += measurement.wrong',
    to: "totals.wrong += name === 'warm-up' ? 0 : measurement.wrong",
    caughtBy: 'test/load/wrong-response.test.ts',
  },
  // load/models.ts
  {
    what: 'latency counts from when a call was sent',
    file: 'load/models.ts',
    from: 'const call = send(dueMs)',
    to: 'const call = send(now())',
    caughtBy: 'test/load/models.test.ts',
  },
  {
    what: 'calls that are due wait for those before',
    file: 'load/models.ts',
    from: 'if (outstanding.size >= maxOutstanding) {',
    to: 'await Promise.all(outstanding)\n      if (outstanding.size >= maxOutstanding) {',
    caughtBy: 'test/load/models.test.ts',
  },
  // load/rules.ts
  {
    what: 'a p99 of a handful of calls fails a run',
    file: 'load/rules.ts',
    from: 'if (count >= fewest) return rule',
    to: 'if (count >= 0) return rule',
    caughtBy: 'test/load/rules.test.ts',
  },
  {
    what: 'a p99 fails no run',
    file: 'load/rules.ts',
    from: 'passed: latencyMs.p99 <= mostMs',
    to: 'passed: true',
    caughtBy: 'test/load/rules.test.ts',
  },
]
