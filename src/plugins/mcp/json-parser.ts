import fp from 'fastify-plugin'
import { Failure } from '../../errors/index.ts'
import { jsonError } from './strict-json.ts'

/** Has its scope parse JSON and nothing else: batches, ambiguous and bottomless bodies end here. */
export const jsonParser = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error')
    app.removeAllContentTypeParsers()
    app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
      const found = jsonError(bytes)
      if (found !== undefined) return done(new Failure('invalid_json', { detail: `Found: ${found}.` }))
      return parse(request, bytes.toString(), (error, message) => {
        if (error) done(error)
        else if (Array.isArray(message)) done(new Failure('batch_not_supported'))
        else done(null, message)
      })
    })
  },
  { name: 'json-parser' },
)
