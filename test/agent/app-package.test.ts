import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AppPackage, readAppPackage } from './app-package.ts'
import { packageErrors } from './package-errors.ts'

test('the package is what Microsoft’s schemas, their stated limits and its own files want', () => {
  assert.deepEqual(packageErrors(readAppPackage()), [])
})

const placeholder = (name: string) => `\${{${name}}}`

/** What somebody might do to the package, and what the checks say of it. */
const breaks: Record<string, { breakIt: (app: AppPackage) => void; message: RegExp }> = {
  'an app id that is no GUID': {
    breakIt: ({ manifest }) => {
      manifest['id'] = 'message-center'
    },
    message: /\/id/,
  },
  'a member that no app manifest has': {
    breakIt: ({ manifest }) => {
      manifest['bot'] = {}
    },
    message: /additional/,
  },
  'an app name of over 30 characters': {
    breakIt: ({ manifest }) => {
      manifest['name'] = { short: 'x'.repeat(31) }
    },
    message: /\/name\/short/,
  },
  'a short description of over 80 characters': {
    breakIt: ({ manifest }) => {
      manifest['description'] = { short: 'x'.repeat(81), full: 'x' }
    },
    message: /\/description\/short/,
  },
  'an app without the domain that cards link to': {
    breakIt: ({ manifest }) => {
      manifest.validDomains = []
    },
    message: /admin\.microsoft\.com/,
  },
  'an agent file that is not packed': {
    breakIt: ({ manifest }) => {
      manifest.copilotAgents.declarativeAgents = [{ id: 'a', file: 'agent.json' }]
    },
    message: /no file agent\.json/,
  },
  'an icon that is not packed': {
    breakIt: ({ manifest }) => {
      manifest.icons.color = 'colour.png'
    },
    message: /no file colour\.png/,
  },
  'a plugin file that is not packed': {
    breakIt: ({ agent }) => {
      agent.actions = [{ id: 'a', file: 'plugin.json' }]
    },
    message: /no file plugin\.json/,
  },
  'instructions of over 8,000 characters': {
    breakIt: ({ agent }) => {
      agent.instructions += 'x'.repeat(8000)
    },
    message: /\/instructions/,
  },
  'instructions that explain a failure that does not exist': {
    breakIt: ({ agent }) => {
      agent.instructions += ' graph_is_tired'
    },
    message: /no tool fails with graph_is_tired/,
  },
  'instructions that explain a failure which no tool sees': {
    breakIt: ({ agent }) => {
      agent.instructions += ' exchange_throttled'
    },
    message: /exchange_throttled/,
  },
  'thirteen conversation starters': {
    breakIt: ({ agent }) => {
      agent.conversation_starters = Array.from({ length: 13 }, (_, i) => ({ title: `${i}`, text: `${i}` }))
    },
    message: /\/conversation_starters/,
  },
  'a conversation starter twice': {
    breakIt: ({ agent }) =>
      void agent.conversation_starters.push({ title: 'x', text: agent.conversation_starters[0]?.text ?? '' }),
    message: /twice/,
  },
  'an empty conversation starter': {
    breakIt: ({ agent }) => void agent.conversation_starters.push({ title: 'x', text: ' ' }),
    message: /starter x/,
  },
  'a disclaimer of over 500 characters': {
    breakIt: ({ agent }) => {
      agent.disclaimer.text = 'x'.repeat(501)
    },
    message: /disclaimer/,
  },
  'a member that no agent has': {
    breakIt: ({ agent }) => {
      agent['tools'] = []
    },
    message: /property name/,
  },
  'another schema version than the schema’s': {
    breakIt: ({ plugin }) => {
      plugin['schema_version'] = 'v2.3'
    },
    message: /\/schema_version/,
  },
  'a plugin name of over 20 characters': {
    breakIt: ({ plugin }) => {
      plugin.name_for_human = 'x'.repeat(21)
    },
    message: /name_for_human/,
  },
  'a description for people of over 100 characters': {
    breakIt: ({ plugin }) => {
      plugin.description_for_human = 'x'.repeat(101)
    },
    message: /description_for_human/,
  },
  'a description for the model of over 2,048 characters': {
    breakIt: ({ plugin }) => {
      plugin.description_for_model = 'x'.repeat(2049)
    },
    message: /description_for_model/,
  },
  'any text of the plugin over 4,096 characters': {
    breakIt: ({ plugin }) => {
      plugin['contact_email'] = 'x'.repeat(4097)
    },
    message: /4096/,
  },
  'tools from a file, which the published schema rejects': {
    breakIt: ({ plugin }) =>
      void Object.assign(runtimeOf(plugin).spec, { mcp_tool_description: { file: 'tools.json' } }),
    message: /mcp_tool_description/,
  },
  'an address that is none': {
    breakIt: ({ plugin }) => {
      runtimeOf(plugin).spec.url = 'mcp.example.com'
    },
    message: /\/runtimes\/0\/spec/,
  },
  'a runtime without sign-in': {
    breakIt: ({ plugin }) => {
      runtimeOf(plugin).auth.type = 'None'
    },
    message: /sign in by OAuth/,
  },
  'a second runtime': {
    breakIt: ({ plugin }) => void plugin.runtimes.push(runtimeOf(plugin)),
    message: /one runtime/,
  },
  'a function that the runtime does not run': {
    breakIt: ({ plugin }) => void runtimeOf(plugin).run_for_functions.pop(),
    message: /run_for_functions differs/,
  },
  'a function that is no tool': {
    breakIt: ({ plugin }) => void runtimeOf(plugin).spec.mcp_tool_description.tools.pop(),
    message: /tools differs/,
  },
  'a function name with a dot': {
    breakIt: ({ plugin }) => void Object.assign(plugin.functions[0] ?? {}, { name: 'get.messages' }),
    message: /no function name/,
  },
  'a function that is described otherwise than its tool': {
    breakIt: ({ plugin }) => void Object.assign(plugin.functions[0] ?? {}, { description: 'Another' }),
    message: /two ways/,
  },
  'a reading function that has to be confirmed': {
    breakIt: ({ plugin }) => {
      delete plugin.functions[0]?.capabilities.confirmation
    },
    message: /confirmed wrongly/,
  },
  'a writing tool that nobody confirms': {
    breakIt: ({ plugin }) =>
      void Object.assign(runtimeOf(plugin).spec.mcp_tool_description.tools[1] ?? {}, { annotations: {} }),
    message: /getMessages is confirmed wrongly/,
  },
  'a function that does not say what it does with data': {
    breakIt: ({ plugin }) => {
      delete plugin.functions[1]?.capabilities.security_info
    },
    message: /getMessages handles undefined/,
  },
  'a placeholder that no environment has': {
    breakIt: (app) => {
      app.written += placeholder('CONTACT')
    },
    message: /lacks CONTACT/,
  },
  'an output that no environment has a line for': {
    breakIt: ({ lifecycle }) =>
      void lifecycle.publish.push({ uses: 'x', with: {}, writeToEnvironmentFile: { id: 'NEW_ID' } }),
    message: /lacks NEW_ID/,
  },
  'a variable that nothing uses': {
    breakIt: (app) => {
      app.sample = { ...app.sample, OLD: '' }
    },
    message: /nothing uses OLD/,
  },
  'a secret in the sample': {
    breakIt: (app) => {
      app.sample = { ...app.sample, SECRET_OF_APP: '' }
      app.written += placeholder('SECRET_OF_APP')
    },
    message: /SECRET_OF_APP belongs in no sample/,
  },
  'an id that somebody’s provision left in the sample': {
    breakIt: (app) => {
      app.sample = { ...app.sample, M365_TITLE_ID: 'T_1' }
    },
    message: /M365_TITLE_ID is written by an action/,
  },
}

function runtimeOf({ runtimes: [runtime] }: AppPackage['plugin']) {
  assert.ok(runtime)
  return runtime
}

for (const [name, { breakIt, message }] of Object.entries(breaks)) {
  test(`it is noticed: ${name}`, () => {
    const app = readAppPackage()
    breakIt(app)
    assert.match(packageErrors(app).join('\n'), message)
  })
}
