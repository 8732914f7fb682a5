using BenchmarkDotNet.Running;
using TinyMllm.Bench;
using TinyMllm.Kernels;

try
{
    BenchmarkSwitcher.FromAssembly(typeof(ChosenIsas).Assembly).Run(ChosenIsas.Take(args));
    return 0;
}
catch (UnsupportedIsaException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 2;
}
