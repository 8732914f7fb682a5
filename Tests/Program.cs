using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace TinyMllm.Tests;

/// <summary>
/// The tests as a program of their own, for machines where <c>dotnet test</c> cannot start its host: another processor under an emulator, Wine, a runtime that no SDK here knows.
/// <c>TinyMllm.Tests [PATTERN] [--trx FILE]</c> runs the tests whose full name the regular expression matches, but for slow ones (category Slow) and
/// those that start the <c>dotnet</c> command or take minutes in an emulator (category NotEmulated), and writes the results beside the closing line if asked to.
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        int trx = Array.IndexOf(args, "--trx");
        string? results = trx >= 0 && trx + 1 < args.Length ? args[trx + 1] : null;
        string pattern = args.Length > 0 && trx != 0 ? args[0] : ".";

        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(Assembly.GetExecutingAssembly(), new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 });
        var filter = new XElement("filter", new XElement("and",
            new XElement("test", new XAttribute("re", "1"), pattern),
            new XElement("not", new XElement("cat", "Slow")),
            new XElement("not", new XElement("cat", "NotEmulated"))));
        ITestResult all = runner.Run(new Report(), TestFilter.FromXml(filter.ToString()));

        if (results is not null) WriteTrx(results, all);
        Console.WriteLine($"{all.PassCount} passed, {all.FailCount} failed{(all.SkipCount > 0 ? $", {all.SkipCount} skipped" : "")}");
        return all.FailCount == 0 && all.PassCount > 0 ? 0 : 1;
    }

    private static IEnumerable<ITestResult> Cases(ITestResult result) => result.HasChildren ? result.Children.SelectMany(Cases) : [result];

    /// <summary>The part of Visual Studio's result format that says what ran: counters, and the outcome of each test.</summary>
    private static void WriteTrx(string path, ITestResult all)
    {
        XNamespace ns = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";
        static string Outcome(ITestResult test) => test.ResultState.Status switch
        {
            TestStatus.Passed or TestStatus.Warning => "Passed",
            TestStatus.Failed => "Failed",
            _ => "NotExecuted",
        };
        new XDocument(new XElement(ns + "TestRun",
            new XElement(ns + "Results", Cases(all).Where(test => !test.Test.IsSuite).Select(test => new XElement(ns + "UnitTestResult",
                new XAttribute("testName", test.FullName), new XAttribute("outcome", Outcome(test)), new XAttribute("duration", TimeSpan.FromSeconds(test.Duration))))),
            new XElement(ns + "ResultSummary", new XElement(ns + "Counters",
                new XAttribute("total", all.TotalCount), new XAttribute("passed", all.PassCount + all.WarningCount), new XAttribute("failed", all.FailCount),
                new XAttribute("error", 0), new XAttribute("timeout", 0), new XAttribute("aborted", 0))))).Save(path);
    }

    /// <summary>Tells each fixture when it ends, and each failure at once.</summary>
    private sealed class Report : ITestListener
    {
        public void TestStarted(ITest test)
        {
        }

        public void TestFinished(ITestResult result)
        {
            if (result.Test.IsSuite)
            {
                if (result.Test is TestFixture && result.TotalCount > 0)
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.FullName}: {result.PassCount} passed, {result.FailCount} failed in {result.Duration:F1} s"));
                return;
            }

            if (result.ResultState.Status == TestStatus.Failed) Console.WriteLine($"FAILED {result.FullName}\n{result.Message}\n{result.StackTrace}");
            else if (result.ResultState.Status == TestStatus.Skipped) Console.WriteLine($"skipped {result.FullName}: {result.Message}");
        }

        public void TestOutput(TestOutput output)
        {
        }

        public void SendMessage(TestMessage message)
        {
        }
    }
}
