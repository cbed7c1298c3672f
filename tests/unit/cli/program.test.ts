import { expect, test } from 'vitest'
import { buildProgram } from '../../../bin/program.ts'

const program = buildProgram()

function helpOf(name: string): string {
  let text = ''
  const command = program.commands.find((each) => each.name() === name)
  command?.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
  return text
}

test('the commands are these', () => {
  expect(program.commands.map((command) => command.name())).toEqual([
    'start',
    'demo',
    'dev',
    'demo:fault',
    'migrate',
    'test',
    'bench',
  ])
})

test.each(program.commands.map((command) => command.name()))(
  'the help of %s has examples and exit codes',
  (name) => {
    const help = helpOf(name)
    expect(help).toMatch(/Examples?:\n {2}.*cachescope/)
    for (const code of ['0  ', '1  ', '2  ', '3  ', '4  ', '129, 130, 143'])
      expect(help).toContain(`\n  ${code}`)
  },
)

test.each([
  [['strat'], 'start'],
  [['start', '--prot', '1'], '--port'],
  [['demo', '--no-trafic'], '--no-traffic'],
  [['demo:fault', 'kil-node'], 'kill-node'],
  [['test', 'unti'], 'unit'],
  [['start', '--port', '0'], '1 to 65535'],
  [['start', '--port', '80x'], '1 to 65535'],
])('%j is refused with a hint at %s', async (args, hint) => {
  let said = ''
  const fresh = buildProgram()
  for (const command of [fresh, ...fresh.commands])
    command.configureOutput({ writeErr: (text) => (said += text) })
  await expect(fresh.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ name: 'CommanderError' })
  expect(said).toContain(hint)
})
