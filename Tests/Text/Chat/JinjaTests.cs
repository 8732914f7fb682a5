using System.Globalization;
using System.Text.Json;
using TinyMllm.Loaders.Text.Chat;
using TinyMllm.Loaders.Text.Chat.Jinja;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Text.Chat;

/// <summary>The interpreter: outputs equal to Jinja2 3.1.6 (trim_blocks, lstrip_blocks), errors that name the line, limits that hold.</summary>
public class JinjaTests
{
    [TestCaseSource(nameof(Cases))]
    public void Output_is_Jinja2s(string template, string expected, JsonElement variables, DateTime now)
    {
        IEnumerable<(string, object?)> values = variables.EnumerateObject().Select(pair => (pair.Name, ValueJson.Read(pair.Value)));
        Assert.That(JinjaTemplate.Parse(template).Render(values, now), Is.EqualTo(expected));
    }

    [TestCase("a\n{{ b", 2, "tag without '}}'")]
    [TestCase("{% if x %}\n\n", 1, "'if' without 'endif'")]
    [TestCase("{% for x in %}{% endfor %}", 1, "found '%}', expected an expression")]
    [TestCase("\n{% frob %}", 2, "statement 'frob' is not supported here")]
    [TestCase("{{ 1 | frob }}", 1, "unknown filter 'frob'")]
    [TestCase("{{ 1 is frob }}", 1, "unknown test 'frob'")]
    [TestCase("{{ frob() }}", 1, "'frob' is not defined, so it cannot be called")]
    [TestCase("{{ 'a' + 1 }}", 1, "'+' does not work on string and integer")]
    [TestCase("{{ 'a' + missing }}", 1, "'+': 'missing' is undefined")]
    [TestCase("\n\n{{ raise_exception('no ' ~ 1) }}", 3, "no 1")]
    [TestCase("{{ 1 // 0 }}", 1, "division by zero")]
    [TestCase("{{ 'x }}", 1, "string without its closing quote")]
    [TestCase("{% set a.b = 1 %}", 1, "'set a.b': only attributes of a namespace can be set")]
    [TestCase("{% break %}", 1, "'break' outside of a loop")]
    [TestCase("{{ 99999999999999999999 }}", 1, "integer 99999999999999999999 is too large")]
    [TestCase("{{ 9223372036854775807 + 1 }}", 1, "'+': the result is too large for an integer")]
    [TestCase("{{ missing | tojson }}", 1, "'tojson' cannot write undefined (missing)")]
    [TestCase("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}", 2, "macro 'm' takes 1 arguments, got 2")]
    [TestCase("{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", 1, "macro 'm' has no parameter 'b'")]
    [TestCase("{{ f(a=1, 2) }}", 1, "an argument without a name stands behind one with a name")]
    [TestCase("{{ ['a', 1]|sort }}", 1, "cannot order string and integer")]
    [TestCase("{{ '%s' % (1, 2) }}", 1, "not all values are used by the format text")]
    [TestCase("{{ '{:d}'.format('a') }}", 1, "format 'd' needs a number, not string")]
    [TestCase("{% autoescape true %}{% endautoescape %}", 1, "'autoescape' is not supported: texts are never escaped")]
    public void Errors_name_line_and_construct(string template, int line, string problem)
    {
        var error = Assert.Throws<ChatTemplateException>(() => JinjaTemplate.Parse(template).Render([], default))!;
        Assert.That((error.Line, error.Problem), Is.EqualTo((line, problem)));
        Assert.That(error.Message, Does.StartWith($"chat template, line {line}: "));
    }

    [TestCase("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [TestCase("{{ range(1000000000000)|length }}")]
    [TestCase("{{ range(-9223372036854775807, 9223372036854775807)|length }}")]
    [TestCase("{{ 'x' * 100000000000 }}")]
    [TestCase("{{ [0] * 100000000000 }}")]
    [TestCase("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}")]
    [TestCase("{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}")]
    [TestCase("{% set l = [] %}{{ l.append(l) }}{{ l }}")]
    [TestCase("{% set l = [] %}{{ l.append(l) }}{{ l|tojson }}")]
    [TestCase("{% set l = [] %}{% set m = [] %}{{ l.append(l) }}{{ m.append(m) }}{{ l == m }}")]
    [TestCase("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [TestCase("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}")]
    [TestCase("{% set a = 'x' * 1000000 %}{{ a.replace('x', a) }}")]
    [TestCase("{% set a = 'x' * 1000000 %}{% for i in range(1000) %}{{ a }}{% endfor %}")]
    [TestCase("{% set a = 'x' * 1000000 %}{% for i in range(100000) %}{% if 'y' in a %}{% endif %}{% endfor %}")]
    [TestCase("{% set a = 'x\n' * 1000000 %}{{ a|indent(1000) }}")]
    [TestCase("{% set l = [1] %}{% for x in l %}{{ l.append(1) }}{% endfor %}{% for i in range(10000000) %}{{ l.append(1) }}{% endfor %}")]
    [TestCase("{{ '%999999999d' % 1 }}")]
    [TestCase("{{ 2 ** 1000000000000 }}")]
    [TestCase("{{ 'a'|center(1000000000) }}")]
    [TestCase("{{ 'a'.ljust(1000000000) }}")]
    [TestCase("{{ '{:>999999999}'.format(1) }}")]
    [TestCase("{{ '%*d' % (999999999, 1) }}")]
    [TestCase("{% set l = [1] %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}")]
    [TestCase("{% macro m() %}{{ m(*varargs) }}{% endmacro %}{{ m(1) }}")]
    [TestCase("{% set a = '<' * 1000000 %}{% for i in range(100) %}{{ a|striptags }}{% endfor %}")]
    [TestCase("{% set a = 'x-' * 1000000 %}{{ a|wordwrap(1) }}{{ a|wordwrap(1) }}{{ a|wordwrap(1) }}")]
    [TestCase("{{ [1,2]|tojson(indent=100000000) }}")]
    public void A_hostile_template_ends_with_an_error(string template) =>
        Assert.Throws<ChatTemplateException>(() => JinjaTemplate.Parse(template).Render([], default));

    [Test]
    public void Deep_nesting_is_an_error()
    {
        foreach (string template in new[]
        {
            "{{ " + new string('(', 100000) + "1", "{{ " + new string('[', 100000), "{{ " + string.Concat(Enumerable.Repeat("not ", 100000)) + "1 }}",
            "{{ " + new string('-', 100000) + "1 }}", string.Concat(Enumerable.Repeat("{% if 1 %}", 100000)), "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 100000)) + " }}",
            "{{ 1" + string.Concat(Enumerable.Repeat("|abs", 100000)) + " }}", "{{ a" + string.Concat(Enumerable.Repeat(".a", 100000)) + " }}",
            "{{ 1 if 1" + string.Concat(Enumerable.Repeat(" else 1 if 0", 100000)) + " }}", "{{ x" + string.Concat(Enumerable.Repeat("[x", 100000)),
            "{{ f" + string.Concat(Enumerable.Repeat("(f", 100000)), "{{ {1:" + string.Concat(Enumerable.Repeat("{1:", 100000)),
        })
        {
            Assert.Throws<ChatTemplateException>(() => JinjaTemplate.Parse(template).Render([], default), template[..20]);
        }
    }

    [Test]
    public void Random_damage_never_does_worse_than_the_typed_error()
    {
        var random = new Random(1);
        string[] templates = [.. Directory.GetFiles(Golden.Path("chat_templates"), "*.jinja").Order(StringComparer.Ordinal).Select(File.ReadAllText)];
        for (int round = 0; round < 3000; round++)
        {
            var text = new System.Text.StringBuilder(templates[round % templates.Length]);
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at)); break;
                    case 1: text.Insert(at, "{%}|()[]'\"-+.,:=~ if for in endif x"[random.Next(35)]); break;
                    default: text[at] = text[random.Next(text.Length)]; break;
                }
            }

            try
            {
                JinjaTemplate.Parse(text.ToString()).Render([("messages", new List<object?> { Dict.Of(("role", "user"), ("content", "x")) })], default);
            }
            catch (ChatTemplateException)
            {
            }
        }
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (string name in new[] { "jinja2", "jinja2-features" })
        {
            JsonElement fixture = JsonDocument.Parse(File.ReadAllText(Path.Combine(Golden.Root, "Tests", "Fixtures", "jinja", name + ".json"))).RootElement;
            var now = DateTime.Parse(fixture.GetProperty("now").GetString()!, CultureInfo.InvariantCulture);
            int number = 0;
            foreach (JsonElement item in fixture.GetProperty("cases").EnumerateArray())
            {
                string template = item.GetProperty("template").GetString()!;
                yield return new TestCaseData(template, item.GetProperty("output").GetString(), fixture.GetProperty("variables"), now)
                    .SetName($"{name} {number++:00} {template[..Math.Min(40, template.Length)]}");
            }
        }
    }
}
