using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using TinyMllm.Engine;
using TinyMllm.Kernels;
using TinyMllm.Kernels.MatMul;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Rooms;

/// <summary>Which room may know which, as ARCHITECTURE.md says; read from the compiled code.</summary>
[TestFixture]
public sealed class ArchitectureTests
{
    private static readonly Assembly Kernels = typeof(Isa).Assembly, Layers = typeof(KvCache).Assembly, Loaders = typeof(GgufFile).Assembly,
        App = typeof(VisionLanguageModel).Assembly;

    private static readonly Assembly[] Libraries = [Kernels, Layers, Loaders, App];

    [Test]
    public void ALibraryKnowsOnlyThoseBeforeIt()
    {
        for (int i = 0; i < Libraries.Length; i++)
        {
            string?[] own = [.. Libraries[i].GetReferencedAssemblies().Select(name => name.Name).Where(name => name!.StartsWith("TinyMllm", StringComparison.OrdinalIgnoreCase))];
            Assert.That(own, Is.SubsetOf(Libraries.Take(i).Select(library => library.GetName().Name)), Libraries[i].GetName().Name);
        }
    }

    [TestCase("TinyMllm.Vision", "TinyMllm.Language")]
    [TestCase("TinyMllm.Vision", "TinyMllm.Generation")]
    [TestCase("TinyMllm.Language", "TinyMllm.Vision")]
    [TestCase("TinyMllm.Language", "TinyMllm.Generation")]
    [TestCase("TinyMllm.Generation", "TinyMllm.ExtensionsAI")]
    [TestCase("TinyMllm.Loaders.Images", "TinyMllm.Loaders.Text")]
    [TestCase("TinyMllm.Loaders.Images", "TinyMllm.Loaders.Gguf")]
    [TestCase("TinyMllm.Loaders.Images", "TinyMllm.Loaders.Hub")]
    [TestCase("TinyMllm.Loaders.Text", "TinyMllm.Loaders.Images")]
    [TestCase("TinyMllm.Loaders.Text", "TinyMllm.Loaders.Hub")]
    [TestCase("TinyMllm.Loaders.Hub", "TinyMllm.Loaders.Text")]
    [TestCase("TinyMllm.Loaders.Hub", "TinyMllm.Loaders.Images")]
    public void ARoomDoesNotKnowAnother(string room, string other)
    {
        Type[] types = [.. Libraries.SelectMany(library => library.GetTypes()).Where(type => IsIn(type, room))];
        Assert.That(types, Is.Not.Empty);
        Assert.That(Violations(types, type => IsIn(type, other)), Is.Empty);
    }

    /// <summary>Kernels compute on what they are given: threads are the worker pool's.</summary>
    [Test]
    public void KernelsHaveNoThreads() => Assert.That(
        Violations(Kernels.GetTypes(), type => type.Namespace is { } name && name.StartsWith("System.Threading", StringComparison.Ordinal)
            && type != typeof(Interlocked) && type != typeof(Volatile)), Is.Empty);

    /// <summary>
    /// Kernels allocate nothing: tables are made by static constructors, and exceptions are on their way out. The scalar oracles may, and so
    /// may <see cref="PanelKernel"/>, which is made once per format and instruction set.
    /// </summary>
    [Test]
    public void KernelsAllocateNothing()
    {
        string[] rooms = ["TinyMllm.Kernels.Attention", "TinyMllm.Kernels.Elementwise", "TinyMllm.Kernels.MatMul", "TinyMllm.Kernels.Recurrence", "TinyMllm.Kernels.Simd"];
        var found = new List<string>();
        foreach (MethodBase method in Kernels.GetTypes().Where(type => rooms.Any(room => IsIn(type, room))).SelectMany(IlCode.Methods))
        {
            bool isOracle = method.DeclaringType!.Name.EndsWith("Scalar", StringComparison.Ordinal) || method.DeclaringType == typeof(PanelKernel);
            if (isOracle || method.Name == nameof(ToString) || method is ConstructorInfo { IsStatic: true } || method.DeclaringType!.IsDefined(typeof(CompilerGeneratedAttribute))) continue;
            foreach (Instruction instruction in IlCode.Instructions(method))
            {
                bool allocates = instruction.Code == OpCodes.Newarr || (instruction.Code == OpCodes.Newobj && instruction.Operand!.DeclaringType is { IsValueType: false } made
                    && !typeof(Exception).IsAssignableFrom(made));
                if (allocates) found.Add($"{method.DeclaringType}.{method.Name}: {instruction.Operand?.DeclaringType ?? instruction.Operand}");
            }
        }

        Assert.That(found.Distinct(), Is.Empty);
    }

    /// <summary>Layers know nothing of files, and no library writes to the console.</summary>
    [Test]
    public void LayersKnowNoFilesAndLibrariesNoConsole()
    {
        Assert.That(Violations(Layers.GetTypes(), type => type == typeof(FileStream) || type == typeof(Directory)), Is.Empty);
        Assert.That(Violations(Libraries.SelectMany(library => library.GetTypes()), type => type == typeof(Console)), Is.Empty);
    }

    private static bool IsIn(Type type, string room) => type.Namespace is { } name
        && (name == room || name.StartsWith(room + ".", StringComparison.Ordinal));

    private static IEnumerable<string> Violations(IEnumerable<Type> types, Func<Type, bool> forbidden) =>
        types.SelectMany(type => IlCode.KnownTo(type).Where(forbidden).Select(known => $"{type} knows {known}"));
}
