/** How much anybody may ask: src/plugins/rate-limit/. */
export const breaks = [
  // src/plugins/rate-limit/counts.ts
  {
    what: 'the limit is never reached',
    file: 'src/plugins/rate-limit/counts.ts',
    from: 'answer.current <= max',
    to: 'answer.current < max',
    caughtBy: 'test/plugins/rate-limit/counts.test.ts',
  },
  {
    what: 'what other replicas let through counts in the next window as well',
    file: 'src/plugins/rate-limit/counts.ts',
    from: 'count.others = 0',
    to: '',
    caughtBy: 'test/plugins/rate-limit/counts.test.ts',
  },
  {
    what: 'the wait that is told ends in the middle of a window',
    file: 'src/plugins/rate-limit/counts.ts',
    from: '(window + 1) * windowMs - count.shiftMs - nowMs',
    to: '(window + 1) * windowMs - nowMs',
    caughtBy: 'test/plugins/rate-limit/counts.test.ts',
  },
  // src/plugins/rate-limit/index.ts
  {
    what: 'an address has a limit for each port that its proxy saw',
    file: 'src/plugins/rate-limit/index.ts',
    from: 'keyGenerator: ({ ip }) => addressKey(ip)',
    to: 'keyGenerator: ({ ip }) => ip',
    caughtBy: 'test/wire/rate-limit.test.ts',
    test: 'another port is no other address',
  },
  {
    what: 'a user is counted by address',
    file: 'src/plugins/rate-limit/index.ts',
    from: "countsOf('user', userMax), { keyGenerator: userOf })",
    to: "countsOf('user', userMax))",
    caughtBy: 'test/plugins/rate-limit/index.test.ts',
  },
  {
    what: 'registrations have the limit of all requests',
    file: 'src/plugins/rate-limit/index.ts',
    from: 'Math.min(max, registrationsMax)',
    to: 'max',
    caughtBy: 'test/security/oauth-pages.test.ts',
    test: 'registrations have a limit of their own',
  },
  {
    what: 'an answer carries the limit of which more is left',
    file: 'src/plugins/rate-limit/index.ts',
    from: 'remaining < Number(carried)',
    to: 'remaining > Number(carried)',
    caughtBy: 'test/plugins/rate-limit/index.test.ts',
  },
  {
    what: 'the wait is told in milliseconds',
    file: 'src/plugins/rate-limit/index.ts',
    from: 'retryAfterSeconds: result.ttlInSeconds',
    to: 'retryAfterSeconds: result.ttl',
    caughtBy: 'test/plugins/rate-limit/index.test.ts',
  },
  // src/plugins/rate-limit/shared-counts.ts
  {
    what: 'Redis keeps counts for good',
    file: 'src/plugins/rate-limit/shared-counts.ts',
    from: "redis.call('PEXPIRE', key, ARGV[2])",
    to: '',
    caughtBy: 'test/plugins/rate-limit/shared-counts.redis.test.ts',
    test: 'Redis learns hashes and counts, and forgets them',
  },
  {
    what: 'a replica counts its own requests twice',
    file: 'src/plugins/rate-limit/shared-counts.ts',
    from: 'total - own',
    to: 'total',
    caughtBy: 'test/plugins/rate-limit/shared-counts.redis.test.ts',
    test: 'a user who spreads calls over the replicas',
  },
  {
    what: 'what could not be told is never told',
    file: 'src/plugins/rate-limit/shared-counts.ts',
    from: 'if (total === undefined) waiting.add(count)',
    to: 'if (total === undefined) continue',
    caughtBy: 'test/plugins/rate-limit/shared-counts.redis.test.ts',
    test: 'holds no request up',
  },
]
