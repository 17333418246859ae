/** What is refused so that the rest is answered in good time: src/plugins/load-shedding/. */
export const breaks = [
  // src/plugins/load-shedding/admission-control.ts
  {
    what: 'turns are short before an overload, and long in it',
    file: 'src/plugins/load-shedding/admission-control.ts',
    from: 'isOverloaded ? goesOn : begins',
    to: 'isOverloaded ? begins : goesOn',
    caughtBy: 'test/plugins/load-shedding/admission-control.test.ts',
  },
  {
    what: 'one more than are allowed are in flight',
    file: 'src/plugins/load-shedding/admission-control.ts',
    from: 'inFlight[what] >= most',
    to: 'inFlight[what] > most',
    caughtBy: 'test/plugins/load-shedding/admission-control.test.ts',
  },
  {
    what: 'those who were refused are told of again and again',
    file: 'src/plugins/load-shedding/admission-control.ts',
    from: '      shed = { late: 0, full: 0, calls: 0 }',
    to: '',
    caughtBy: 'test/plugins/load-shedding/admission-control.test.ts',
  },
  // src/plugins/load-shedding/index.ts
  {
    what: 'a call with a slash at the end of its path is shed as plain text',
    file: 'src/plugins/load-shedding/index.ts',
    from: "pathOf(request.url ?? '') === '/mcp'",
    to: "request.url === '/mcp'",
    caughtBy: 'test/wire/overload.test.ts',
    test: 'a flood is shed',
  },
  {
    what: 'probes are shed',
    file: 'src/plugins/load-shedding/index.ts',
    from: " || probePaths.has(request.url ?? '')",
    to: '',
    caughtBy: 'test/wire/overload.test.ts',
    test: 'a flood is shed',
  },
  {
    what: 'a call whose client went away keeps its room',
    file: 'src/plugins/load-shedding/index.ts',
    from: "reply.raw.once('close', leave)",
    to: "reply.raw.once('finish', leave)",
    caughtBy: 'test/wire/overload.test.ts',
    test: 'while Graph hangs',
  },
  {
    what: 'nobody tells of what was shed',
    file: 'src/plugins/load-shedding/index.ts',
    from: 'timer = setInterval(say, saidEveryMs).unref()',
    to: '',
    caughtBy: 'test/wire/overload.test.ts',
    test: 'a flood is shed',
  },
  // src/plugins/load-shedding/refusal.ts
  {
    what: 'a refusal lacks the headers that every answer has',
    file: 'src/plugins/load-shedding/refusal.ts',
    from: '[...security, ...headers, ',
    to: '[...headers, ',
    caughtBy: 'test/wire/overload.test.ts',
    test: 'a flood is shed',
  },
  {
    what: 'a refusal does not say when to come again',
    file: 'src/plugins/load-shedding/refusal.ts',
    from: "'retry-after': String(failure.details.retryAfterSeconds),",
    to: '',
    caughtBy: 'test/wire/overload.test.ts',
    test: 'a flood is shed',
  },
]
