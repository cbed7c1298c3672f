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
    'hotkeys',
    'doctor',
    'demo',
    'dev',
    'demo:fault',
    'migrate',
    'test',
    'bench',
    'soak',
  ])
})

test.each(program.commands.map((command) => command.name()))(
  'the help of %s has examples and exit codes',
  (name) => {
    const help = helpOf(name)
    expect(help).toMatch(/Examples?:\n {2}.*cachescope/)
    for (const code of ['0  ', '1  ', '2  ', '3  ', '4  ', '5  ', '129, 130, 143'])
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
  [['hotkeys', 'redis://a', '--for', '5x'], 'a duration with its unit'],
  [['hotkeys', 'redis://a', '--top', '0'], '1 to 100'],
  [['hotkeys', 'redis://a', '--by', 'size'], 'rate, bytes'],
  [['hotkeys', 'redis://a', '--budget', '50%'], 'between 0.1% and 10%'],
  [['hotkeys'], 'urls'],
  [['soak', '--minutes', '0'], 'from 0.5'],
  [['soak', '--seed', '-1'], 'whole number'],
  [['docter'], 'doctor'],
])('%j is refused with a hint at %s', async (args, hint) => {
  let said = ''
  const fresh = buildProgram()
  for (const command of [fresh, ...fresh.commands])
    command.configureOutput({ writeErr: (text) => (said += text) })
  await expect(fresh.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ name: 'CommanderError' })
  expect(said).toContain(hint)
})
