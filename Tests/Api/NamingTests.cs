using System.Reflection;
using Microsoft.Extensions.AI;
using TinyMllm.Engine;
using TinyMllm.ImageSharp;
using TinyMllm.Kernels;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Tests.Api;

/// <summary>What holds for the public names of all libraries.</summary>
[TestFixture]
public sealed class NamingTests
{
    private static readonly Type[] Exported =
    [
        .. new[] { typeof(Isa), typeof(KvCache), typeof(GgufFile), typeof(VisionLanguageModel), typeof(ImageSharpDecoder) }.SelectMany(type => type.Assembly.GetExportedTypes()),
    ];

    /// <summary>Whoever uses both namespaces needs no aliases.</summary>
    [Test]
    public void NoTypeHasTheNameOfOneOfMicrosoftExtensionsAI()
    {
        HashSet<string> theirs = [.. new[] { typeof(ChatMessage).Assembly, typeof(ChatClientBuilder).Assembly }
            .SelectMany(assembly => assembly.GetExportedTypes()).Select(type => type.Name)];
        Assert.That(theirs, Does.Contain("ChatRole"));
        Assert.That(Exported.Select(type => type.Name).Where(theirs.Contains), Is.Empty);
    }

    [Test]
    public void EveryExceptionDerivesFromTheLibrarysOwn()
    {
        Type[] exceptions = [.. Exported.Where(typeof(Exception).IsAssignableFrom)];
        Assert.That(exceptions, Has.Length.GreaterThan(10));
        Assert.That(exceptions.Where(type => !typeof(TinyMllmException).IsAssignableFrom(type)), Is.Empty);
    }

    [Test]
    public void AnExceptionSaysWhatItIsAbout()
    {
        var overflow = Assert.Throws<ContextOverflowException>(() => throw new ContextOverflowException(5, 4));
        Assert.That(overflow!.Kind, Is.EqualTo(TinyMllmErrorKind.ContextOverflow));
        Assert.That(() => VisionLanguageModel.Load(Demo.Sample("pizza")),
            Throws.InstanceOf<TinyMllmException>().With.Property("Kind").EqualTo(TinyMllmErrorKind.InvalidModelFile));
        Assert.That(() => VisionLanguageModel.Load(Demo.ProjectorPath),
            Throws.InstanceOf<TinyMllmException>().With.Property("Kind").EqualTo(TinyMllmErrorKind.UnsupportedModel));
    }

    [Test]
    public void CancellationTokensHaveTheNameThatTheyHaveEverywhere() => Assert.That(
        Exported.SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .SelectMany(method => method.GetParameters())
            .Where(parameter => parameter.ParameterType == typeof(CancellationToken) && parameter.Name != "cancellationToken")
            .Select(parameter => $"{parameter.Member.DeclaringType}.{parameter.Member.Name}"), Is.Empty);

    [Test]
    public void ThePackageHoldsTheAssemblyOfItsName() =>
        Assert.That(typeof(VisionLanguageModel).Assembly.GetName().Name, Is.EqualTo("TinyMllm"));
}
